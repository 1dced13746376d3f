/**
 * What a request pays for a list of addresses: `node src/features/access/access.bench.ts`. Processor
 * time of the whole step, with addresses that all differ and with one that stays.
 */

import { NO_TOOLS } from "../../../test/support/build-tools.ts";
import { exchangeOf, requestOf, routeNamed } from "../../../test/support/exchange-of.ts";
import { Seeded } from "../../../test/support/seeded.ts";
import { deny } from "./access.ts";

const ROUNDS = 7;
const STEPS = 1_000_000;
const NETWORKS = 10_000;
const chance = new Seeded(1);

const v4 = () =>
  `${chance.below(223) + 1}.${chance.below(256)}.${chance.below(256)}.${chance.below(256)}`;
const tools = Object.create(NO_TOOLS, { world: { value: {} } }) as typeof NO_TOOLS;
const networks = Array.from({ length: NETWORKS }, v4);
const filter = deny.build(deny.schema.parse({ networks }), tools);

for (const [name, count] of [
  ["addresses that all differ", 65_536],
  ["one connection", 1],
] as const) {
  const exchanges = Array.from({ length: count }, () =>
    exchangeOf({ request: requestOf("GET /"), clientIp: v4(), route: routeNamed("r") }),
  ).filter((exchange) => filter.admit!(exchange) === undefined);
  let bestMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    for (let at = 0; at < STEPS; at++) filter.admit!(exchanges[at % exchanges.length]!);
    const { user, system } = process.cpuUsage(before);
    bestMs = Math.min(bestMs, (user + system) / 1000);
  }
  process.stdout.write(`${name}: ${((bestMs * 1e6) / STEPS).toFixed(0)} ns\n`);
}
