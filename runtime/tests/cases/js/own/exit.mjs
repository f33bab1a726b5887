// process.exit in the middle: what is written before is kept, nothing comes after.
process.on("exit", (code) => console.log("leaving", code));
console.log("before");
try {
  setTimeout(() => console.log("never"), 0);
  process.exit(3);
} catch {
  console.log("never");
} finally {
  console.log("never");
}
