// Ticks, promises and rejections come before timers, however long the program took to get to its end.
process.on("unhandledRejection", (reason) => {
  console.log("rejected", reason.message);
  clearTimeout(cleared);
});
setTimeout(() => console.log("timer"), 1);
const cleared = setTimeout(() => console.log("never"), 1);
Promise.reject(new Error("two"));
process.nextTick(() => console.log("tick"));
Promise.resolve().then(() => console.log("promise"));
for (const end = performance.now() + 20; performance.now() < end; );
console.log("end");
