/**
 * What a lookup in a set of networks costs: `node src/base/cidr.bench.ts`. Addresses are all different,
 * so that nothing is remembered: the worst case, where each request comes over a new connection.
 */
import { Seeded } from "../../test/support/seeded.ts";
import { CidrSet } from "./cidr.ts";

const ROUNDS = 5;
const LOOKUPS = 1_000_000;
const chance = new Seeded(1);

/** Of the processor, since the machine may do other things as well. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function v4(): string {
  return `${chance.below(223) + 1}.${chance.below(256)}.${chance.below(256)}.${chance.below(256)}`;
}

function v6(): string {
  const group = () => chance.below(65_536).toString(16);
  return `2001:${group()}:${group()}::${group()}`;
}

for (const count of [10, 10_000, 250_000]) {
  for (const [name, address] of [
    ["IPv4", v4],
    ["IPv6", v6],
  ] as const) {
    const networks = Array.from({ length: count }, address);
    const made = cpuMs();
    const set = new CidrSet(networks);
    const buildMs = cpuMs() - made;
    const addresses = Array.from({ length: 65_536 }, address);
    let best = Number.POSITIVE_INFINITY;
    let hits = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const before = cpuMs();
      for (let at = 0; at < LOOKUPS; at++) if (set.has(addresses[at & 65_535]!)) hits++;
      best = Math.min(best, cpuMs() - before);
    }
    const ns = (best * 1e6) / LOOKUPS;
    process.stdout.write(
      `${name} ${count} networks: ${ns.toFixed(0)} ns a lookup, built in ${buildMs.toFixed(0)} ms (${hits} hits)\n`,
    );
  }
}
