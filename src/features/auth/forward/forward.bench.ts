/**
 * What it costs to know that somebody passes.
 *
 *     node src/features/auth/forward/forward.bench.ts
 */
import { exchangeOf, requestOf } from "../../../../test/support/exchange-of.ts";
import { KnownVerdicts } from "./known-verdicts.ts";

const COUNT = 200_000;
const known = new KnownVerdicts({
  key: ["{header.authorization}", "{cookie.session}", "{path}"],
  forMs: 1_000,
  countMax: 10,
});
const fields = { authorization: `Bearer ${"x".repeat(600)}`, cookie: "a=1; session=2f6d; b=2" };
const exchange = exchangeOf({ request: requestOf("GET /some/path?q=1", fields) });
const identity = { method: "forward", name: "a", claims: {} };
known.add(known.keyOf(exchange)!, { kind: "proven", identity }, 0);

for (const round of [1, 2, 3]) {
  const usage = process.cpuUsage();
  for (let count = 0; count < COUNT; count++) known.find(known.keyOf(exchange)!, 0);
  const { user, system } = process.cpuUsage(usage);
  console.log(`round ${round}: ${((user + system) / COUNT).toFixed(2)} µs of CPU`);
}
