// module.exports is the default export of CommonJS.
module.exports = (input, env) => env.NAME;
