/**
 * What a small object takes in memory beside its bytes, and what a look at it costs.
 *
 *     node --expose-gc bench/cache-overhead.ts [--objects 1000000]
 *
 * Its bytes are its URL, its header lines and its body. Memory is the heap and what lies beside it, after
 * a collection, against that of a store without objects.
 */
import { parseArgs } from "node:util";
import { GrowingBody } from "../src/stores/growing-body.ts";
import { MemoryStore } from "../src/stores/memory/memory-store.ts";

const { values } = parseArgs({ options: { objects: { type: "string", default: "1000000" } } });
const COUNT = Number(values.objects);
const LOOKS = 2_000_000;
const LINES = [
  "Content-Type: application/json\r\n",
  'ETag: "5f2b1c3d4e5a6978"\r\n',
  "Cache-Control: public, max-age=3600\r\n",
  "Date: Sat, 21 Nov 2026 10:00:00 GMT\r\n",
].join("");
const NO_NAMES: readonly string[] = [];
const BODY = Buffer.from(JSON.stringify({ id: 4711, name: "a small thing", stock: 12 }).repeat(5));
const FRESHNESS = {
  ...{ bornMs: 1.5, lifetimeMs: 3_600_000, whileRevalidateMs: 0, ifErrorMs: 300_000 },
  ...{ mayBeStale: true, needsValidation: false },
};

const urlOf = (index: number) => `http://shop.example.com/api/things/${index}?view=short`;

function memory(): number {
  globalThis.gc!();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const store = new MemoryStore({ bytesMax: 16 * 2 ** 30, variantsMax: 64, later: () => {} });
const before = memory();
let ownBytes = 0;
const partition = "shop.example.com#1";
for (let index = 0; index < COUNT; index++) {
  const body = new GrowingBody();
  body.append(BODY, BODY.length);
  const filling = store.begin();
  const url = urlOf(index);
  const key = { url, partition, varyNames: NO_NAMES, varyKey: "" };
  store.put({ ...key, status: 200, lines: LINES, freshness: FRESHNESS, body }, filling);
  filling.ended();
  ownBytes += url.length + LINES.length + BODY.length;
}
const took = memory() - before;
const counted = store.stats.bytes;
const perObject = (bytes: number) => (bytes / COUNT).toFixed(0);

let word = 1;
let read = 0;
const urls = Array.from({ length: 10_000 }, (_, index) => urlOf((index * 7919) % COUNT));
const began = process.cpuUsage();
for (let look = 0; look < LOOKS; look++) {
  word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
  // As a request makes it: a text that nobody has seen.
  const found = store.lookup(`${urls[word % urls.length]!.slice(0, -1)}t`, 0)!;
  store.touch(found);
  read += found.freshness().lifetimeMs + found.headers().text.length + found.at(0)!.length;
}
const { user, system } = process.cpuUsage(began);
const ns = ((user + system) / LOOKS) * 1e3;
if (read === 0 || store.stats.objects !== COUNT) throw new Error("nothing was found");

console.log(`${COUNT} objects of ${perObject(ownBytes)} bytes`);
console.log(
  `overhead: ${perObject(took - ownBytes)} bytes each; the store counts ${perObject(counted - ownBytes)}`,
);
console.log(`lookup, touch, freshness, fields and body: ${ns.toFixed(0)} ns`);
