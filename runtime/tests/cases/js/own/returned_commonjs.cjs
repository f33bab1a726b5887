// A return at the top of CommonJS.
const path = require("path");
return path.join("a", "b");
