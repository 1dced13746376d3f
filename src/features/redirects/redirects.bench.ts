/**
 * What a map of 100,000 redirects costs: a look into it, and memory.
 *
 *     node --expose-gc src/features/redirects/redirects.bench.ts
 *
 * Times are the least of many rounds, as the machine may be busy.
 */
import { type Entry, RedirectMap } from "./redirect-map.ts";

const ENTRIES = 100_000;
const ROUNDS = 40;
const COUNT = 20_000;

const heapBytes = () => {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
};

const beforeBytes = heapBytes();
const entries = Array.from({ length: ENTRIES }, (_, index): Entry => {
  const isPrefix = index % 10 === 0;
  const from = `/archive/${index % 97}/page-${index}${isPrefix ? "/*" : ".html"}`;
  return { from, to: `/blog/${index}${isPrefix ? "/*" : ""}`, status: undefined };
});
const map = new RedirectMap(entries);
console.log(`${Math.round((heapBytes() - beforeBytes) / ENTRIES)} bytes an entry`);

const paths: readonly (readonly [string, string])[] = [
  ["a path of the map", "/archive/46/page-4217.html"],
  ["below a prefix", "/archive/49/page-4220/a/b"],
  ["another path", "/shop/products/4711"],
];
for (const [name, path] of paths) {
  let least = Number.POSITIVE_INFINITY;
  let found = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const begin = process.cpuUsage();
    for (let index = 0; index < COUNT; index++) {
      // Another string each time, as requests have: its hash is not known yet.
      if (map.find(`${path}${index & 7}`.slice(0, path.length), "", true) !== undefined) found++;
    }
    const { user, system } = process.cpuUsage(begin);
    least = Math.min(least, ((user + system) * 1000) / COUNT);
  }
  console.log(`${name.padEnd(20)} ${least.toFixed(0)} ns${found > 0 ? ", found" : ""}`);
}
