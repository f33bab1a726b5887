// Standard input by events.
const chunks = [];
process.stdin.on("data", (chunk) => chunks.push(chunk));
process.stdin.on("end", () => console.log(JSON.stringify(Buffer.concat(chunks).toString())));
