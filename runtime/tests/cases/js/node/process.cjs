// The process.
const log = (...args) => console.log(JSON.stringify(args));
log(typeof process.version, process.platform, typeof process.pid, process.exitCode === undefined);
log(typeof process.hrtime.bigint(), process.hrtime().length, process.uptime() >= 0, process.memoryUsage().heapUsed > 0);
const cwd = process.cwd();
require("fs").mkdirSync("sub");
process.chdir("sub");
log(process.cwd() === cwd + "/sub");
process.chdir("..");
try {
  process.chdir("missing");
} catch (error) {
  log(error.code, error.syscall);
}
const order = [];
setTimeout(() => order.push("timeout"), 0);
setImmediate(() => order.push("immediate"));
process.nextTick((x) => order.push("tick " + x), 1);
Promise.resolve().then(() => order.push("promise"));
queueMicrotask(() => order.push("microtask"));
order.push("sync");
process.on("beforeExit", () => {
  if (order.length < 9) {
    order.push("beforeExit");
    setTimeout(() => order.push("again"), 1);
  }
});
process.on("exit", (code) => log(code, order.filter((x) => x !== "immediate" && x !== "timeout")));
process.stdout.write("out\n");
process.stdout.write(Buffer.from("bytes\n"), () => order.push("written"));
log(process.emit("nothing"), process.listenerCount("exit"), process.env.NOT_SET === undefined);
