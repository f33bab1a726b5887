// The same with callbacks, from CommonJS.
const fs = require("fs");
const { promisify } = require("util");

const log = (...args) => console.log(JSON.stringify(args));
fs.writeFile("f", "abc", (error) => {
  log("write", error);
  fs.readFile("f", "utf8", (error, text) => {
    log("read", error, text);
    fs.stat("f", (error, stats) => {
      log("stat", error, stats.size);
      fs.open("f", "r", (error, fd) => {
        fs.read(fd, Buffer.alloc(2), 0, 2, 1, (error, count, buffer) => {
          log("pread", error, count, buffer.toString());
          fs.close(fd, (error) => {
            log("close", error);
            fs.readFile("missing", (error, data) => {
              log("missing", error.code, data === undefined);
              fs.mkdir("d", () => fs.readdir(".", (error, names) => {
                log("readdir", names.sort());
                fs.exists("f", (there) => log("exists", there));
                promisify(fs.readFile)("none").catch((error) => log("promisified", error.code));
              }));
            });
          });
        });
      });
    });
  });
});
log("first");
