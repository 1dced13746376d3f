import assert from "node:assert/strict";
import { test } from "node:test";
import { parseResult } from "./h2load.ts";

const OUTPUT = `
finished in 1.00s, 36417.00 req/s, 11.05MB/s
requests: 36417 total, 36577 started, 36417 done, 36410 succeeded, 7 failed, 5 errored, 0 timeout
status codes: 36417 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 11.05MB (11589000) total, 1.2MB (1264000) headers (space savings 90.00%), 3.4MB (3641700) data
                     min         max         mean         sd        +/- sd
time for request:      512us     12.50ms      4.39ms      1.10ms    70.00%
time for connect:     3.21ms     20.00ms     10.00ms      5.00ms    50.00%
`;

test("h2load: the figures are read out of what it prints", () => {
  assert.deepEqual(parseResult(OUTPUT, 1), {
    requests: 36_410,
    durationUs: 1e6,
    p50Us: 4_390,
    p99Us: 12_500,
    errors: { connect: 0, read: 5, write: 0, status: 2, timeout: 0 },
  });
});

test("h2load: what is no result of its is refused", () => {
  assert.throws(() => parseResult("connection refused", 1), /Cannot read h2load/);
});
