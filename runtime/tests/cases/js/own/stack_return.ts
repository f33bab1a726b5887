import { strict as assert } from "node:assert";
type N = number;
const n: N = 1;

assert.equal(n, 2 as N);
return n;
