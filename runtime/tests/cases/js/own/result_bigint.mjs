// What JSON cannot say is an error that says so.
export default () => ({ n: 1n });
