// A rejection that nothing handles ends the program.
setTimeout(() => console.log("never"), 1e9);
Promise.reject(new TypeError("lost"));
await new Promise((resolve) => setTimeout(resolve, 1e9));
console.log("never");
