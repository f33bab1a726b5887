// Standard input, read as programs read it.
let text = "";
process.stdin.setEncoding("utf8");
for await (const chunk of process.stdin) text += chunk;
console.log(JSON.stringify(text), process.argv.slice(2).join(), process.env.NAME);
