// Unless the program listens.
process.on("uncaughtException", (error, origin) => console.log("caught", error.message, origin));
process.on("unhandledRejection", (reason) => console.log("rejected", reason.message));
setTimeout(() => {
  throw new Error("one");
}, 1);
Promise.reject(new Error("two"));
setTimeout(() => console.log("goes on"), 5);
