// Lines of standard input.
import readline from "node:readline";
const lines = readline.createInterface({ input: process.stdin });
for await (const line of lines) console.log(`[${line}]`);
