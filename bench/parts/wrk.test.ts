import assert from "node:assert/strict";
import { test } from "node:test";
import { parseResult, sumErrors } from "./wrk.ts";

const ERRORS = { connect: 0, read: 1, write: 0, status: 2, timeout: 0 };
const RESULT = { requests: 10, durationUs: 1_000_000, p50Us: 100, p99Us: 900, errors: ERRORS };

test("parseResult: finds our line among those of wrk", () => {
  const output = `Running 1s test\n  10 requests in 1.00s\nRESULT ${JSON.stringify(RESULT)}\n`;

  assert.deepEqual(parseResult(output), RESULT);
});

test("parseResult: an output without our line is not a result", () => {
  assert.throws(() => parseResult("unable to connect"), /no RESULT line in unable to connect/);
});

test("sumErrors: adds up each kind for itself", () => {
  const sum = sumErrors([ERRORS, { ...ERRORS, timeout: 5 }]);

  assert.deepEqual(sum, { connect: 0, read: 2, write: 0, status: 4, timeout: 5 });
});
