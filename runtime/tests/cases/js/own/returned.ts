// A top-level return beside imports.
import { existsSync } from "node:fs";
type Answer = { there: boolean };
const there: boolean = existsSync("/case.ts");
if (!there) return "missing";
const answer: Answer = { there };
return answer;
