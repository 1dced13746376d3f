/**
 * What the cache's disk costs: `node bench/disk.ts [OBJECTS]`. Writes so many small responses to a
 * temporary folder, then opens it anew, as after a stop and as after a crash.
 */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Lanes } from "../src/base/lanes.ts";
import { realWorld } from "../src/base/real-world.ts";
import { LoneMachine } from "../src/core/machine.ts";
import { DiskShare } from "../src/stores/disk/disk-share.ts";
import { DiskTier } from "../src/stores/disk/disk-tier.ts";
import { GrowingBody } from "../src/stores/growing-body.ts";
import { MemoryStore } from "../src/stores/memory/memory-store.ts";
import { TieredStore } from "../src/stores/tiered-store.ts";

const BODY_BYTES_MAX = 16_384;
const GIB = 1024 ** 3;
const world = realWorld();
const { clock } = world;

interface Opened {
  readonly store: TieredStore;
  readonly tier: DiskTier;
}

function open(folder: string): Opened {
  const later = (act: () => void) => void clock.after(0, act);
  const memory = new MemoryStore({ bytesMax: 0, variantsMax: 64, later });
  const store = new TieredStore(memory);
  const tier = new DiskTier({
    ...{ clock, log: world.log, files: world.files!, folder, worker: 0, workers: 1 },
    ...{ keeps: true, serves: true, variantsMax: 64 },
    shared: new SharedArrayBuffer(DiskShare.byteLength),
    lanes: new Lanes(new SharedArrayBuffer(Lanes.byteLength(1)), 0),
    channel: new LoneMachine().channel(),
  });
  store.useDisk(tier, 8 * GIB);
  return { store, tier };
}

const urlOf = (at: number) => `http://www.example.com/some/path/to/article-${at}.html`;
const LINES = [
  'ETag: "5e8c-61f"\r\nContent-Type: text/html; charset=utf-8\r\n',
  "Date: Sat, 21 Nov 2026 20:00:00 GMT\r\nCache-Control: max-age=600\r\n",
].join("");

async function write({ store, tier }: Opened, count: number): Promise<void> {
  const startedMs = clock.nowMs();
  const cpu = process.cpuUsage();
  const bytes = Buffer.alloc(BODY_BYTES_MAX, "0123456789abcdef");
  const times = { lifetimeMs: 3_600_000, whileRevalidateMs: 0, ifErrorMs: 0 };
  for (let at = 0; at < count; at++) {
    const body = new GrowingBody();
    body.append(bytes.subarray(0, 200 + ((at * 7919) % (BODY_BYTES_MAX - 200))));
    const freshness = { bornMs: clock.nowMs(), ...times, mayBeStale: true, needsValidation: false };
    const response = { url: urlOf(at), partition: "*#1", varyNames: [], varyKey: "", status: 200 };
    const filling = store.begin();
    store.put({ ...response, lines: LINES, freshness, body }, filling);
    while (at % 200 === 0 && (tier.stats.writes ?? 0) < at - 400) await pause();
  }
  while (tier.stats.writes + tier.stats.skipped < count) await pause();
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (clock.nowMs() - startedMs) / 1000;
  console.log(
    `${count} written: ${(tier.stats.bytes / 1e6).toFixed(0)} MB in ${seconds.toFixed(1)} s, ` +
      `${((user + system) / count).toFixed(1)} µs of processor time each`,
  );
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 1));

const recall = (store: TieredStore, at: number) =>
  store.recall({ url: urlOf(at), partitions: ["*#1"], suits: () => true });

async function reopened(what: string, folder: string, count: number): Promise<Opened> {
  const startedMs = clock.nowMs();
  const opened = open(folder);
  const first = await recall(opened.store, count >> 1);
  const firstMs = clock.nowMs() - startedMs;
  const { objects } = opened.tier.stats;
  const indexed = (opened.tier.store!.indexBytes / objects).toFixed(0);
  const found = first === undefined ? "nothing" : "the first hit";
  console.log(
    `${what}: ${found} after ${firstMs.toFixed(0)} ms, ${objects} objects, ${indexed} bytes of memory each`,
  );
  return opened;
}

async function main(count: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-bench-disk-"));
  try {
    const made = open(folder);
    while (made.tier.store?.isLoading !== false) await pause();
    await write(made, count);
    await made.tier.leave();
    let opened = await reopened("after a stop", folder, count);
    await hits(opened, count);
    await opened.tier.leave();
    for (const name of readdirSync(folder)) if (name.endsWith(".tab")) rmSync(join(folder, name));
    opened = await reopened("without any table", folder, count);
    await opened.tier.leave();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function hits({ store }: Opened, count: number): Promise<void> {
  const HITS = 20_000;
  const AT_ONCE = 16;
  let next = 0;
  let found = 0;
  const startedMs = clock.nowMs();
  const cpu = process.cpuUsage();
  const clients = Array.from({ length: AT_ONCE }, async () => {
    while (next < HITS) {
      const at = (next++ * 104_729) % count;
      if ((await recall(store, at)) !== undefined) found++;
    }
  });
  await Promise.all(clients);
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (clock.nowMs() - startedMs) / 1000;
  console.log(
    `${found} of ${HITS} found: ${Math.round(HITS / seconds)} a second, ` +
      `${((user + system) / HITS).toFixed(1)} µs of processor time each`,
  );
}

const alive = setInterval(() => {}, 1_000); // the clock's timers keep nobody alive
await main(Number(process.argv[2] ?? 100_000));
clearInterval(alive);
