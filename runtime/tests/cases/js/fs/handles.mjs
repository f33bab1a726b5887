// Descriptors: positions, partial reads, vectors, sizes, times.
import fs from "node:fs";

const log = (...args) => console.log(JSON.stringify(args));
let fd = fs.openSync("f", "w+");
log(fs.writeSync(fd, "hello world"), fs.writeSync(fd, Buffer.from("ABC"), 1, 2), fs.writeSync(fd, "xy", 0));
const buffer = Buffer.alloc(20);
log(fs.readSync(fd, buffer, 0, 5, 0), buffer.toString("utf8", 0, 5), fs.readSync(fd, buffer), fs.fstatSync(fd).size);
log(fs.readSync(fd, buffer, { position: 6, length: 3, offset: 10 }), buffer.subarray(10, 13).toString());
fs.ftruncateSync(fd, 5);
log(fs.readFileSync("f", "utf8"), fs.fstatSync(fd).size);
fs.ftruncateSync(fd, 8);
log([...fs.readFileSync("f")]);
fs.futimesSync(fd, 1000, 2000.5);
const stat = fs.fstatSync(fd);
log(stat.atimeMs, stat.mtimeMs, stat.mtime.toISOString(), stat.isFile(), stat.isDirectory());
fs.fchmodSync(fd, 0o640);
log((fs.fstatSync(fd).mode & 0o7777).toString(8));
fs.fsyncSync(fd);
fs.fdatasyncSync(fd);
fs.closeSync(fd);

fd = fs.openSync("v", "w+");
log(fs.writevSync(fd, [Buffer.from("one"), Buffer.from("two")]));
const parts = [Buffer.alloc(2), Buffer.alloc(10)];
log(fs.readvSync(fd, parts, 1), parts[0].toString(), parts[1].toString("utf8", 0, 3));
fs.closeSync(fd);

fd = fs.openSync("v", "a");
fs.writeSync(fd, "!", 0);
fs.closeSync(fd);
log(fs.readFileSync("v", "utf8"));

fd = fs.openSync("gone", "w+");
fs.writeSync(fd, "still here");
fs.unlinkSync("gone");
log(fs.readSync(fd, buffer, 0, 20, 0), fs.existsSync("gone"), fs.fstatSync(fd).nlink);
fs.closeSync(fd);
for (const flags of ["r", "w", "a"]) {
  fd = fs.openSync("v", flags);
  try {
    flags === "r" ? fs.writeSync(fd, "x") : fs.readSync(fd, buffer);
  } catch (error) {
    log(flags, error.code, error.syscall, error.message);
  }
  fs.closeSync(fd);
}
fs.truncateSync("v", 3);
log(fs.statSync("v").size);
fs.utimesSync("v", new Date(5000), "7");
log(fs.statSync("v").atimeMs, fs.statSync("v").mtimeMs);
const big = fs.statSync("v", { bigint: true });
log(typeof big.size, String(big.mtimeNs), String(big.mtimeMs), big.isFile());
