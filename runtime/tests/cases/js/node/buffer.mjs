// Buffers.
import { Buffer as B, constants } from "node:buffer";

const log = (...args) => console.log(JSON.stringify(args));
log(B === Buffer, Buffer.from("h\u00e9llo w\u00f6rld, a long text").toString(), Buffer.from("68656c6c6f", "hex").toString());
log(Buffer.from("aGVsbG8gd29ybGQgYWdhaW4gYW5kIGFnYWlu", "base64").toString(), Buffer.from("-_-_", "base64url").toString("hex"));
log(Buffer.from([1, 2, 3]).equals(Buffer.of(1, 2, 3)), Buffer.concat([Buffer.from("a"), Buffer.from("b")]).toString());
log(Buffer.alloc(4, "ab").toString(), Buffer.byteLength("\u20ac"), Buffer.compare(Buffer.from("a"), Buffer.from("b")));
for (const encoding of ["utf8", "hex", "base64", "base64url", "latin1", "ascii", "utf16le"]) {
  const text = Buffer.from("some longer text \u00e4\u00f6\u00fc \u{1f600} that is encoded").toString(encoding);
  log(encoding, text, Buffer.from(text, encoding).length);
}
const b = Buffer.alloc(16);
b.writeUInt32BE(0xdeadbeef, 0);
b.writeInt16LE(-2, 4);
b.writeDoubleBE(1.5, 8);
log(b.toString("hex"), b.readUInt32BE(0), b.readInt16LE(4), b.readDoubleBE(8), b.readUIntBE(0, 3));
log(b.subarray(0, 2).toString("hex"), b.indexOf(0xbe), b.includes("x"), b.slice(-2).length);
log(JSON.stringify(Buffer.from("hi")), Buffer.isBuffer(b), b instanceof Uint8Array, Buffer.isEncoding("UTF-8"));
log(b.write("text", 2), b.toString("utf8", 2, 6), b.fill("ab", 0, 4).toString("latin1", 0, 4));
log([...Buffer.from("abc").entries()], Buffer.from("abc").swap16 !== undefined, typeof constants.MAX_LENGTH);
log(Buffer.from(new Uint16Array([1, 2]).buffer).length, Buffer.from("x".repeat(100)).toString("hex").length);
log(Buffer.from([0xff, 0xfe, 0x41]).toString(), Buffer.from("\ud800x").toString("hex"));
