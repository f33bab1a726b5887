// A module that is not there: what there is instead.
for (const name of ["node:http", "node:child_process", "http"]) {
  await import(name).catch((error) => console.log(error.code, error.message.split(".")[0]));
}
