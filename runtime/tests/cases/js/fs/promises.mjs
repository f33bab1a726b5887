// The promises and the handles they open.
import * as fsp from "node:fs/promises";
import { promises, constants } from "node:fs";

const log = (...args) => console.log(JSON.stringify(args));
log(promises.readFile === fsp.readFile, fsp.constants.O_CREAT === constants.O_CREAT);
await fsp.mkdir("d/e", { recursive: true });
await fsp.writeFile("d/f", "text");
await fsp.appendFile("d/f", "+more");
log(await fsp.readFile("d/f", "utf8"), (await fsp.stat("d/f")).size, (await fsp.readdir("d")).sort());
await fsp.writeFile("pieces", (async function* () {
  yield "one ";
  yield "two";
})());
log(await fsp.readFile("pieces", "utf8"));
await fsp.copyFile("d/f", "g");
await fsp.rename("g", "h");
await fsp.symlink("h", "s");
await fsp.link("h", "hard");
log(await fsp.readlink("s"), (await fsp.lstat("s")).isSymbolicLink(), (await fsp.realpath("s")).endsWith("/h"));
await fsp.chmod("h", 0o600);
await fsp.truncate("h", 2);
await fsp.utimes("h", 1, 2);
log(((await fsp.stat("h")).mode & 0o777).toString(8), (await fsp.stat("h")).mtimeMs, await fsp.readFile("h", "utf8"));
await fsp.access("h").then(() => log("there"));
await fsp.access("nope").catch((error) => log(error.message, error.code));

const handle = await fsp.open("w", "w+");
log(typeof handle.fd, (await handle.write("hello")).bytesWritten);
const { bytesRead, buffer } = await handle.read(Buffer.alloc(5), 0, 5, 0);
log(bytesRead, buffer.toString(), (await handle.stat()).size);
await handle.truncate(2);
log(await fsp.readFile("w", "utf8"));
await handle.writeFile("ZZ");
await handle.sync();
await handle.close();
log(await fsp.readFile("w", "utf8"), handle.fd);

await fsp.writeFile("lines", "a\nb\r\nc");
const lines = [];
const reading = await fsp.open("lines");
for await (const line of reading.readLines()) lines.push(line);
log(lines);

const names = [];
for await (const entry of await fsp.opendir("d")) names.push([entry.name, entry.isDirectory()]);
log(names.sort());
await fsp.cp("d", "d2", { recursive: true });
await fsp.rm("d2", { recursive: true });
await fsp.rmdir("d/e");
await fsp.unlink("d/f");
log(await fsp.readdir("d"));
log((await fsp.mkdtemp("t-")).length);
const results = await Promise.allSettled([fsp.readFile("x"), fsp.stat("x"), fsp.rm("x"), fsp.open("x", "r")]);
log(results.map((r) => [r.status, r.reason?.code, r.reason?.syscall]));
