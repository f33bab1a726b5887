// A rejection that nothing handles ends the program.
setTimeout(() => console.log("never"), 50);
Promise.reject(new TypeError("lost"));
await new Promise((resolve) => setTimeout(resolve, 20));
console.log("never");
