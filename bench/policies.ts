/**
 * Which objects a cache should keep: hit ratios of policies over traces, `node bench/policies.ts
 * [FILE.csv …]`. A file has lines of time, key and size; without a file they are mixes of our own.
 */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { POLICIES } from "./parts/cache-policy.ts";

interface Trace {
  readonly name: string;
  readonly keys: readonly string[];
  readonly sizes: readonly number[];
}

const SHARES = [0.01, 0.05, 0.1, 0.3]; // of all distinct bytes

function main(files: readonly string[]): void {
  const traces = files.length > 0 ? files.map(fromFile) : ownTraces();
  const names = Object.keys(POLICIES);
  console.log(
    `| trace | capacity | ${names.join(" | ")} |\n|---|---|${"---|".repeat(names.length)}`,
  );
  for (const trace of traces) {
    const bytesOf = new Map(trace.keys.map((key, index) => [key, trace.sizes[index]!]));
    const total = [...bytesOf.values()].reduce((sum, bytes) => sum + bytes, 0);
    for (const share of SHARES) {
      const ratios = names.map((name) => hitRatio(trace, bytesOf, name, total * share));
      const cells = ratios.map((ratio) => `${(ratio * 100).toFixed(1)} %`);
      console.log(`| ${trace.name} | ${share * 100} % | ${cells.join(" | ")} |`);
    }
  }
}

function hitRatio(
  trace: Trace,
  bytesOf: ReadonlyMap<string, number>,
  name: string,
  capacity: number,
): number {
  const policy = POLICIES[name]!(capacity);
  const hits = trace.keys.filter((key) => policy.access(key, bytesOf.get(key)!));
  return hits.length / trace.keys.length;
}

/** "time,key,size[,…]", with a line of names or without. */
function fromFile(file: string): Trace {
  const rows = readFileSync(file, "utf8")
    .split("\n")
    .map((line) => line.split(","))
    .filter(
      ([time, key, size]) => /^[0-9.]+$/.test(time ?? "") && key !== undefined && Number(size) > 0,
    );
  return {
    name: basename(file),
    keys: rows.map(([, key]) => key!.trim()),
    sizes: rows.map(([, , size]) => Number(size)),
  };
}

const REQUESTS = 400_000;
const OBJECTS = 100_000;

function ownTraces(): Trace[] {
  return [
    zipf("zipf 0.7", 0.7, 0),
    zipf("zipf 0.9", 0.9, 0),
    zipf("zipf 0.9 and a crawler", 0.9, 0.3),
    zipf("zipf 0.9, what is liked changes", 0.9, 0, 40_000),
  ];
}

/** `scanned`: that share of the requests walks through objects that nobody asks for twice. */
function zipf(name: string, skew: number, scanned: number, changesEvery = 0): Trace {
  let word = 12345;
  const random = () => {
    word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
    return word / 2 ** 32;
  };
  const cumulated = new Float64Array(OBJECTS);
  let sum = 0;
  for (let rank = 0; rank < OBJECTS; rank++) {
    sum += 1 / (rank + 1) ** skew;
    cumulated[rank] = sum;
  }
  const keys: string[] = [];
  let scan = 0;
  for (let count = 0; count < REQUESTS; count++) {
    if (random() < scanned) {
      keys.push(`scan ${scan++}`);
      continue;
    }
    const shift = changesEvery === 0 ? 0 : Math.floor(count / changesEvery) * 997;
    keys.push(String((rankOf(cumulated, random() * sum) * 7919 + shift) % OBJECTS));
  }
  // Sizes as the web has them: most are small, a few are a hundred times that.
  const sizes = keys.map(
    (key) => 500 + ((Number(key.replace("scan ", "")) * 2654435761) % 997) ** 2 / 20,
  );
  return { name, keys, sizes };
}

function rankOf(cumulated: Float64Array, wanted: number): number {
  let low = 0;
  let high = cumulated.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cumulated[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

main(process.argv.slice(2));
