// Every error has Node's message and properties.
import fs from "node:fs";

fs.mkdirSync("dir/full", { recursive: true });
fs.writeFileSync("file", "x");
fs.symlinkSync("loop-b", "loop-a");
fs.symlinkSync("loop-a", "loop-b");

function show(name, call) {
  try {
    const value = call();
    console.log(name, "=>", JSON.stringify(value));
  } catch (error) {
    const { message, errno, code, syscall, path, dest } = error;
    console.log(name, JSON.stringify({ is: error instanceof Error, message, errno, code, syscall, path, dest }));
  }
}

show("readFile missing", () => fs.readFileSync("missing"));
show("readFile missing text", () => fs.readFileSync("missing", "utf8"));
show("readFile of a directory", () => fs.readFileSync("dir"));
show("readFile through a file", () => fs.readFileSync("file/below"));
show("readFile of a loop", () => fs.readFileSync("loop-a"));
show("writeFile into nothing", () => fs.writeFileSync("no/such", "x"));
show("writeFile onto a directory", () => fs.writeFileSync("dir", "x"));
show("writeFile exclusively", () => fs.writeFileSync("file", "x", { flag: "wx" }));
show("appendFile into nothing", () => fs.appendFileSync("no/such", "x"));
show("open missing", () => fs.openSync("missing", "r"));
show("open r+ missing", () => fs.openSync("missing", "r+"));
show("stat missing", () => fs.statSync("missing"));
show("stat quietly", () => fs.statSync("missing", { throwIfNoEntry: false }) === undefined);
show("lstat missing", () => fs.lstatSync("missing"));
show("fstat of no descriptor", () => fs.fstatSync(999));
show("close of no descriptor", () => fs.closeSync(999));
show("read of no descriptor", () => fs.readSync(999, Buffer.alloc(1)));
show("readdir missing", () => fs.readdirSync("missing"));
show("readdir of a file", () => fs.readdirSync("file"));
show("mkdir existing", () => fs.mkdirSync("dir"));
show("mkdir below nothing", () => fs.mkdirSync("no/such"));
show("mkdir recursive over a file", () => fs.mkdirSync("file", { recursive: true }));
show("mkdir recursive through a file", () => fs.mkdirSync("file/a/b", { recursive: true }));
show("rmdir missing", () => fs.rmdirSync("missing"));
show("rmdir of a file", () => fs.rmdirSync("file"));
show("rmdir not empty", () => fs.rmdirSync("dir"));
show("unlink missing", () => fs.unlinkSync("missing"));
show("unlink of a directory", () => fs.unlinkSync("dir"));
show("rename missing", () => fs.renameSync("missing", "other"));
show("rename a directory onto a file", () => fs.renameSync("dir", "file"));
show("rename a file onto a directory", () => fs.renameSync("file", "dir"));
show("rename into itself", () => fs.renameSync("dir", "dir/full/deeper"));
show("link missing", () => fs.linkSync("missing", "other"));
show("link onto something", () => fs.linkSync("file", "dir"));
show("symlink onto something", () => fs.symlinkSync("anything", "file"));
show("readlink of a file", () => fs.readlinkSync("file"));
show("readlink missing", () => fs.readlinkSync("missing"));
show("realpath missing", () => fs.realpathSync.native("missing"));
show("access missing", () => fs.accessSync("missing"));
show("chmod missing", () => fs.chmodSync("missing", 0o644));
show("chown missing", () => fs.chownSync("missing", -1, -1));
show("utimes missing", () => fs.utimesSync("missing", 1, 1));
show("truncate missing", () => fs.truncateSync("missing"));
show("copyFile missing", () => fs.copyFileSync("missing", "other"));
show("copyFile exclusively", () => fs.copyFileSync("file", "file", fs.constants.COPYFILE_EXCL));
show("mkdtemp below nothing", () => fs.mkdtempSync("no/such-").length);
show("name too long", () => fs.readFileSync("n".repeat(256)));

// Arguments that make no sense are told before anything is done.
show("path undefined", () => fs.readFileSync(undefined));
show("path number", () => fs.statSync(1.5));
show("path object", () => fs.existsSync({}));
show("path with zero", () => fs.readFileSync("a\0b"));
show("bad flag", () => fs.openSync("file", "q"));
show("bad encoding", () => fs.readFileSync("file", "klingon"));
show("bad data", () => fs.writeFileSync("file", 42));
show("no callback", () => fs.readFile("file"));
