// Directories and trees.
import fs from "node:fs";
import path from "node:path";

const log = (...args) => console.log(JSON.stringify(args));
log(path.relative(process.cwd(), fs.mkdirSync("a/b/c", { recursive: true })), fs.mkdirSync("a/b/c", { recursive: true }) === undefined);
fs.mkdirSync("m", 0o700);
log((fs.statSync("m").mode & 0o777).toString(8), fs.statSync("m").isDirectory());
fs.writeFileSync("a/1.txt", "1");
fs.writeFileSync("a/b/2.txt", "2");
fs.writeFileSync("a/b/c/3.md", "3");
fs.symlinkSync("1.txt", "a/link");
fs.symlinkSync("nowhere", "a/dangling");
fs.linkSync("a/1.txt", "a/hard");
log(fs.readdirSync("a").sort(), fs.readdirSync("a", { recursive: true }).sort());
log(fs.readdirSync("a", { withFileTypes: true }).sort((x, y) => x.name < y.name ? -1 : 1)
  .map((d) => [d.name, d.isFile(), d.isDirectory(), d.isSymbolicLink(), d.parentPath ?? d.path]));
log(fs.readdirSync("a", { encoding: "buffer" }).every(Buffer.isBuffer));
log(fs.readlinkSync("a/link"), fs.statSync("a/link").isFile(), fs.lstatSync("a/link").isSymbolicLink());
log(fs.statSync("a/hard").ino === fs.statSync("a/1.txt").ino, fs.statSync("a/hard").nlink);
log(path.relative(process.cwd(), fs.realpathSync("a/b/../link")), fs.existsSync("a/dangling"));

fs.renameSync("a/b/2.txt", "a/two.txt");
fs.copyFileSync("a/two.txt", "copy.txt");
log(fs.readFileSync("copy.txt", "utf8"), fs.existsSync("a/b/2.txt"));
fs.unlinkSync("a/dangling");
fs.cpSync("a", "whole", { recursive: true });
log(fs.readdirSync("whole", { recursive: true }).sort(), fs.lstatSync("whole/link").isSymbolicLink());
fs.cpSync("a", "some", { recursive: true, filter: (from) => !from.endsWith(".md") });
log(fs.readdirSync("some", { recursive: true }).sort());
fs.writeFileSync("whole/two.txt", "changed");
fs.unlinkSync("a/link");
fs.cpSync("a", "whole", { recursive: true, force: false });
log(fs.readFileSync("whole/two.txt", "utf8"));
for (const call of [() => fs.cpSync("a", "elsewhere"), () => fs.rmSync("a"), () => fs.rmSync("missing")]) {
  try {
    call();
  } catch (error) {
    log(error.code);
  }
}
fs.rmSync("missing", { force: true });
fs.rmSync("whole", { recursive: true });
fs.rmSync("copy.txt");
fs.rmdirSync("m");
log(fs.existsSync("whole"), fs.existsSync("copy.txt"), fs.existsSync("m"), fs.readdirSync("a").sort());
const temp = fs.mkdtempSync("tmp-");
log(/^tmp-[A-Za-z0-9]{6}$/.test(temp), fs.statSync(temp).isDirectory(), (fs.statSync(temp).mode & 0o777).toString(8));
const names = [];
const dir = fs.opendirSync("a");
for (let entry; (entry = dir.readSync()) !== null;) names.push(entry.name);
dir.closeSync();
log(names.sort());
fs.accessSync("a", fs.constants.R_OK | fs.constants.X_OK);
fs.chmodSync("a/1.txt", "600");
log((fs.statSync("a/1.txt").mode & 0o777).toString(8), fs.statSync(".").isDirectory());
fs.symlinkSync("nowhere", "a/dangling");
fs.lutimesSync("a/dangling", 1, 2);
log(fs.lstatSync("a/dangling").mtimeMs);
const { bsize, blocks, bfree } = fs.statfsSync(".");
log(bsize > 0, blocks >= bfree);
