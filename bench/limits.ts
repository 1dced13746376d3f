/**
 * How exact a rate limit is over two workers that are offered far more.
 *
 *     node bench/limits.ts [--seconds 30] [--rate 1000]
 *
 * What passes is answered in place; all is offered that one load generator can.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildSluice, sluiceCommand } from "./contestants/sluice.ts";
import { Child, stopChildrenOnExit } from "./machine/child.ts";
import { freePort } from "./machine/free-port.ts";
import { WorkFolder, whyNotHere } from "./machine/place.ts";
import { BARE_HEAD } from "./parts/request-heads.ts";
import { runWrk } from "./parts/wrk.ts";
import { wordsOf } from "./scenarios/runner.ts";

const CONNECTIONS = 64;
const READY_MS = 10_000;
const BURST = 100;

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "30" },
    rate: { type: "string", default: "1000" },
  },
});

try {
  const obstacle = whyNotHere();
  if (obstacle !== undefined) throw new Error(`Cannot measure here: ${obstacle}`);
  await main(Number(values.rate), Number(values.seconds));
} catch (failure) {
  console.error(wordsOf(failure));
  process.exitCode = 2;
}

async function main(rate: number, seconds: number): Promise<void> {
  buildSluice([]);
  stopChildrenOnExit();
  using folder = new WorkFolder();
  await using child = await start(folder.path, rate);
  const load = { target: "/", connections: CONNECTIONS, headers: BARE_HEAD, script: ["get"] };
  await runWrk(load, child.port, 2); // all of the burst is used, and both workers are warm
  const { requests, durationUs, errors } = await runWrk(load, child.port, seconds);
  const passed = requests - errors.status;
  // Between the two runs some of the burst may have come back.
  const least = (rate * durationUs) / 1e6;
  const percent = (count: number) => `${((count / least - 1) * 100).toFixed(2)} %`;
  console.log(`offered  ${(requests / (durationUs / 1e6)).toFixed(0)}/s`);
  console.log(`passed   ${passed} of ${least.toFixed(0)} and at most ${BURST} of a burst`);
  console.log(`off by   ${percent(passed)}; without the burst ${percent(passed - BURST)}`);
}

async function start(folder: string, rate: number): Promise<Child> {
  const port = await freePort();
  const path = join(folder, "limits.yaml");
  const rateLimit = { rate: `${rate}/s`, burst: BURST, per: "all" };
  const routes = [{ rateLimit, respond: { status: 200, body: "ok" } }];
  const sites = [{ hosts: ["*"], listen: [`127.0.0.1:${port}`], routes }];
  const config = { workers: 2, admin: "off", log: { access: "off" }, sites };
  writeFileSync(path, JSON.stringify(config));
  const child = new Child({
    name: "sluice with 2",
    command: sluiceCommand(path),
    cores: "0-1",
    port,
    outputPath: join(folder, "out"),
    errorPath: join(folder, "err"),
  });
  await child.ready(READY_MS);
  return child;
}
