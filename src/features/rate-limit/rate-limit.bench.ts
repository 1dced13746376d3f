/**
 * What limits cost per request, what a flood of keys does to one, and how exact it is.
 *
 *     node src/features/rate-limit/rate-limit.bench.ts
 */
import { toolsWith } from "../../../test/support/build-tools.ts";
import { exchangeOf, requestOf } from "../../../test/support/exchange-of.ts";
import { DueTimes } from "../../base/due-times.ts";
import { SystemClock } from "../../base/system-clock.ts";
import type { Exchange } from "../../core/exchange.ts";
import type { Filter } from "../../core/filter.ts";
import { rateLimit } from "./rate-limit.ts";

const ROUNDS = 7;
const PER_ROUND = 1_000_000;
const CLIENTS = 10_000;
const FLOOD = 10_000_000;

const clock = new SystemClock();

function filterOf(options: unknown): Filter {
  const world = { clock, log: { info: () => {}, warn: console.error }, random: { below: () => 0 } };
  return rateLimit.build(rateLimit.schema.parse(options), toolsWith({ world }));
}

const exchanges: readonly Exchange[] = Array.from({ length: CLIENTS }, (_, index) => {
  const headers = { "x-api-key": `key-${index}-${"k".repeat(24)}` };
  const clientIp = `10.0.${index >> 8}.${index & 255}`;
  return exchangeOf({ request: requestOf("GET /api/orders?page=2", headers), clientIp });
});

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;

function nsPer(act: (exchange: Exchange) => unknown): number {
  const rounds = Array.from({ length: ROUNDS }, () => {
    const usage = process.cpuUsage();
    for (let index = 0; index < PER_ROUND; index++) act(exchanges[index % CLIENTS]!);
    return (process.cpuUsage(usage).user * 1e3) / PER_ROUND;
  });
  return median(rounds);
}

const rows: [name: string, options: unknown][] = [
  ["per clientIp", "1000000/s"],
  ["per a header", { rate: "1000000/s", per: "{header.x-api-key}" }],
  ["per clientIp and path", { rate: "1000000/s", per: "{clientIp}|{path}" }],
  ["two of them", [{ rate: "1000000/s" }, { rate: "1000000/m" }]],
  ["per clientIp, fields always", { rate: "1000000/s", fields: "always" }],
];

console.log("ns of CPU per request that passes, the clock asked each time");
for (const [name, options] of rows) {
  const filter = filterOf(options);
  console.log(
    `${name.padEnd(30)}${nsPer((exchange) => filter.admit!(exchange))
      .toFixed(0)
      .padStart(6)}`,
  );
}

console.log(`\n${FLOOD / 1e6} million keys, 100,000 a second, at a limit of 10/m`);
const times = new DueTimes(new SharedArrayBuffer(DueTimes.byteLength(65_536)));
const pace = { perUnitMs: 6000, burstMs: 60_000 };
const before = process.memoryUsage.rss();
let nowMs = 1e7;
let greedy = 0;
let honestRefused = 0;
const startMs = performance.now();
for (let index = 0; index < FLOOD; index++) {
  nowMs += 0.01;
  times.take(`flood ${index}`, 1, nowMs, pace);
  if (index % 10_000 === 0 && times.take("greedy", 1, nowMs, pace) >= 0) greedy++;
  if (index % 700_000 === 0 && times.take("honest", 1, nowMs, pace) < 0) honestRefused++;
}
const ns = ((performance.now() - startMs) * 1e6) / FLOOD;
const grownMib = (process.memoryUsage.rss() - before) / 1024 / 1024;
console.log(`ns per new key              ${ns.toFixed(0)}`);
console.log(`table                       ${((times.slots * 12) / 1024).toFixed(0)} KiB`);
console.log(`resident memory grew by     ${grownMib.toFixed(1)} MiB`);
console.log(`greedy, 10 a second, 100 s  ${greedy} passed of 1000; 26 would without a flood`);
console.log(`honest, one in 7 s          ${honestRefused} refused of 15`);
