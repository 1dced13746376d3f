/**
 *     npm run chaos -- --seeds 5000 [--from N]    as many, from a seed on
 *     npm run chaos -- 1234                       one, told in full and shrunk if it fails
 *
 * The whole proxy in a simulated world (test/support/chaos/). A run follows from its seed.
 */
import { parseArgs } from "node:util";
import { type ChaosPlan, chaosPlan } from "../test/support/chaos/chaos-plan.ts";
import { runChaos } from "../test/support/chaos/chaos-run.ts";
import { shrunk } from "../test/support/chaos/chaos-shrink.ts";

const FINDINGS_MAX = 10;
const PROGRESS_EVERY = 500;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
  },
});

process.exitCode = (await (positionals.length > 0 ? one(Number(positionals[0])) : many())) ? 0 : 1;

async function many(): Promise<boolean> {
  const from = Number(values.from);
  const end = from + Number(values.seeds);
  const counts = new Map<string, number>();
  const findings: number[] = [];
  for (let seed = from; seed < end && findings.length < FINDINGS_MAX; seed++) {
    const run = await runChaos(chaosPlan(seed));
    for (const [what, count] of run.counts) counts.set(what, (counts.get(what) ?? 0) + count);
    if (run.complaints.length > 0) {
      findings.push(seed);
      console.log(`seed ${seed}: ${run.complaints[0]}\n  replay npm run chaos -- ${seed}`);
    }
    if ((seed - from + 1) % PROGRESS_EVERY === 0) console.log(`${seed - from + 1} seeds`);
  }
  for (const [what, count] of [...counts].sort())
    console.log(`${String(count).padStart(8)} ${what}`);
  console.log(`seeds ${from} to ${end - 1}: ${findings.length} findings`);
  return findings.length === 0;
}

async function one(seed: number): Promise<boolean> {
  const plan = chaosPlan(seed);
  const { complaints, fingerprint } = await runChaos(plan);
  console.log(fingerprint);
  if (complaints.length === 0) return true;
  console.log(`\nseed ${seed} complains:\n${complaints.join("\n")}\n\nshrinking …`);
  await tellSmallest(await shrunk(plan));
  return false;
}

async function tellSmallest(plan: ChaosPlan): Promise<void> {
  const { complaints } = await runChaos(plan);
  console.log(JSON.stringify(plan, undefined, 2));
  console.log(complaints.join("\n"));
}
