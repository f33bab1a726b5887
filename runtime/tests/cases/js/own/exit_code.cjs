// process.exitCode, without leaving early.
process.exitCode = 4;
setTimeout(() => console.log("timers run"), 5);
