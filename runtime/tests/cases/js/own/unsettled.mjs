// An await that nothing can end.
console.log("waiting");
await new Promise(() => {});
console.log("never");
