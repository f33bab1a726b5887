// Any other default export is the result itself.
export default [1, "two", null];
