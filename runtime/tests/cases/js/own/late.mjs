// So does an error in a timer; listeners of exit still run.
process.on("exit", (code) => console.log("exit", code));
setTimeout(() => {
  throw new Error("late");
}, 1);
setTimeout(() => console.log("never"), 1e9);
