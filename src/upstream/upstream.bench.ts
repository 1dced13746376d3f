/**
 * What a claim and its release cost, by balancer and by how many endpoints there are.
 *
 *     node src/upstream/upstream.bench.ts
 *
 * All variants are alive at once and take turns, in the other order each round; the figures are
 * medians, in nanoseconds per claim. Thirty-two claims are open at any time.
 */
import { SeededRandom } from "../base/seeded-random.ts";
import { LoneMachine } from "../core/machine.ts";
import type { Claim, Upstream } from "../core/upstream.ts";
import { BALANCERS } from "./balancers/named.ts";
import type { EndpointOptions } from "./endpoint.ts";
import { createUpstream, type UpstreamOptions } from "./upstream.ts";

const ROUNDS = 15;
const CLAIMS = 100_000;
const OPEN = 32;

const clock = {
  wallMs: () => 0,
  nowMs: () => 1,
  after: () => ({ cancel: () => {} }),
};

function upstreamOf(
  count: number,
  more: Partial<UpstreamOptions>,
  endpoint: Partial<EndpointOptions> = {},
): Upstream {
  const endpoints = Array.from({ length: count }, (_, place) => {
    return { address: { host: `10.0.${place >> 8}.${place & 255}`, port: 80 }, ...endpoint };
  });
  const kept = new Map<string, unknown>();
  const keep = <T>(key: string, make: () => T): T => {
    if (!kept.has(key)) kept.set(key, make());
    return kept.get(key) as T; // a key is of one type
  };
  const world = { random: new SeededRandom(1), clock };
  return createUpstream(
    { name: "app", endpoints, ...more },
    { world, keep, machine: new LoneMachine() },
  );
}

const queue = { max: 100, timeoutMs: 5_000, perSecond: Number.POSITIVE_INFINITY };
const variants: readonly (readonly [name: string, upstream: Upstream])[] = [
  ...Object.entries(BALANCERS).flatMap(([name, balance]) =>
    [3, 100].map((count) => [`${name} of ${count}`, upstreamOf(count, { balance })] as const),
  ),
  ["hash of 1000", upstreamOf(1000, { balance: BALANCERS.hash })],
  ["leastRequest of 3, maxRequests", upstreamOf(3, { lines: { queue } }, { maxRequests: 1000 })],
  ["leastRequest of 3, concurrency", upstreamOf(3, { concurrency: { min: 100, max: 1000 } })],
];

const keys = Array.from({ length: 1024 }, (_, key) => `client-${key}`);

/** Nanoseconds per claim. */
function run(upstream: Upstream): number {
  const open: Claim[] = [];
  const startedMs = performance.now();
  for (let count = 0; count < CLAIMS; count++) {
    const claim = upstream.claim({ hashKey: keys[count & 1023], tried: [] })!;
    const at = count % OPEN;
    open[at]?.release("served");
    open[at] = claim;
  }
  const tookMs = performance.now() - startedMs;
  for (const claim of open) claim.release("served");
  return (tookMs * 1e6) / CLAIMS;
}

const took = new Map<string, number[]>(variants.map(([name]) => [name, []]));
for (let round = 0; round < ROUNDS; round++) {
  const order = round % 2 === 0 ? variants : variants.toReversed();
  for (const [name, upstream] of order) took.get(name)!.push(run(upstream));
}
for (const [name, all] of took) {
  const median = all.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)]!;
  console.log(`${name.padEnd(32)} ${median.toFixed(0).padStart(6)} ns`);
}
