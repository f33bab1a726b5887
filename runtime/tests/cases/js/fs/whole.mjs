// Whole files: text, bytes, encodings, flags, descriptors.
import fs from "node:fs";

const log = (...args) => console.log(JSON.stringify(args));
fs.writeFileSync("a.txt", "h\u00e9llo \u{1f600}\n");
log(fs.readFileSync("a.txt", "utf8"), fs.readFileSync("a.txt", { encoding: "utf-8" }));
log(fs.readFileSync("a.txt").toString("hex"), fs.readFileSync("a.txt", "base64"), fs.readFileSync("a.txt", "latin1"));
log(Buffer.isBuffer(fs.readFileSync("a.txt")), fs.readFileSync("a.txt").length);
fs.writeFileSync("b.bin", new Uint8Array([0, 255, 128, 10]));
log([...fs.readFileSync("b.bin")], fs.readFileSync("b.bin", "utf8"));
fs.writeFileSync("c.txt", "aGk=", "base64");
fs.writeFileSync("d.txt", "6869", { encoding: "hex", mode: 0o600 });
log(fs.readFileSync("c.txt", "ascii"), fs.readFileSync("d.txt", "utf8"), (fs.statSync("d.txt").mode & 0o777).toString(8));
fs.appendFileSync("c.txt", " there");
fs.appendFileSync("new.txt", "made");
fs.writeFileSync("c.txt", "!", { flag: "a" });
log(fs.readFileSync("c.txt", "utf8"), fs.readFileSync("new.txt", "utf8"));
fs.writeFileSync("view.bin", new DataView(new Uint8Array([1, 2, 3, 4]).buffer, 1, 2));
fs.writeFileSync("u16.bin", new Uint16Array([258]));
log([...fs.readFileSync("view.bin")], [...fs.readFileSync("u16.bin")]);
fs.writeFileSync("a.txt", "short");
log(fs.readFileSync("a.txt", "utf8"), fs.statSync("a.txt").size);

const fd = fs.openSync("a.txt", "r+");
fs.writeFileSync(fd, "LO");
log(fs.readFileSync(fd, "utf8"), fs.readFileSync("a.txt", "utf8"));
fs.closeSync(fd);
log(fs.readFileSync(new URL(`file://${process.cwd()}/a.txt`), "utf8"), fs.readFileSync(Buffer.from("a.txt"), "utf8"));
fs.writeFileSync("bom.txt", "\ufeffx");
log(fs.readFileSync("bom.txt", "utf8").length);
fs.writeFileSync("empty", "");
log(fs.readFileSync("empty", "utf8"), fs.readFileSync("empty").length, fs.existsSync("empty"), fs.existsSync("nope"));
