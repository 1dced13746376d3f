/**
 *     npm run fuzz -- <target> [seed] [--runs N] [--seconds S]
 *
 * Mutated inputs against one target of test/fuzz/. Every input comes from its own seed, so what is
 * found is replayed by that seed alone: the command is printed with it.
 */
import { readdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { mutate } from "../test/fuzz/mutate.ts";
import type { FuzzTarget } from "../test/fuzz/target.ts";
import { Seeded } from "../test/support/seeded.ts";

const FOLDER = new URL("../test/fuzz/", import.meta.url);
const FINDINGS_MAX = 5;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: "string" }, seconds: { type: "string", default: "30" } },
});
const [name = "", seedText] = positionals;
const names = readdirSync(FOLDER).flatMap((file) => /^(.+)\.fuzz\.ts$/.exec(file)?.[1] ?? []);

if (!names.includes(name)) {
  console.error(`usage: npm run fuzz -- <${names.join("|")}> [seed] [--runs N] [--seconds S]`);
  process.exitCode = 2;
} else {
  const { target } = (await import(new URL(`${name}.fuzz.ts`, FOLDER).href)) as {
    target: FuzzTarget;
  };
  process.exitCode = (await fuzz(target)) ? 0 : 1;
}

async function fuzz(target: FuzzTarget): Promise<boolean> {
  const seed = seedText === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(seedText);
  const runs = values.runs === undefined ? Number.POSITIVE_INFINITY : Number(values.runs);
  const endMs = performance.now() + Number(values.seconds) * 1000;
  console.log(`fuzz ${name}: ${target.about}; first seed ${seed}`);
  const run = await target.open();
  let findings = 0;
  let count = 0;
  while (count < runs && findings < FINDINGS_MAX && performance.now() < endMs) {
    findings += (await one(target, run, seed + count)) ? 0 : 1;
    count++;
  }
  console.log(`${count} inputs, ${findings} findings; ${run.summary()}`);
  await run.close();
  return findings === 0;
}

async function one(
  target: FuzzTarget,
  run: Awaited<ReturnType<FuzzTarget["open"]>>,
  seed: number,
): Promise<boolean> {
  const random = new Seeded(seed);
  const input = mutate(random.of(target.seeds), target.seeds, random);
  const complaint = await run.judge(input, random).catch((error: Error) => error.message);
  if (complaint === undefined) return true;
  console.log(`\n${complaint}\n  input  ${JSON.stringify(input)}`);
  console.log(`  replay npm run fuzz -- ${name} ${seed} --runs 1`);
  return false;
}
