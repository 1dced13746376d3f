/**
 *     node bench/resilience/slow.ts [MODE …] [--only sluice,nginx] [--seconds 30] [--connections 4000] [--per-client 0]
 *
 * Clients that are slow on purpose, by Debian's `slowhttptest`: heads (slowloris), bodies, reads and ranges,
 * against Sluice and its peers, each beside 100 honest requests a second, half of them on connections of
 * their own. `--per-client 256` sets the limit by address that each of them has.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Child, stopChildrenOnExit } from "../machine/child.ts";
import { freePort } from "../machine/free-port.ts";
import { CONTESTANT_CORE, findProgram, WorkFolder } from "../machine/place.ts";
import type { LoadReport } from "./load-program.ts";
import { pause } from "./proxies/proxy.ts";
import { SLOW_PROXIES, type SlowProxy } from "./slow-proxies.ts";
import { LoadProcess, OriginProcess } from "./stage.ts";

const RATE = 100;
const FRESH_EVERY = 2;
const QUIET_MS = 5_000;
const READY_MS = 15_000;
const HONEST = "127.0.0.2"; // another address than the attack's

/** What slowhttptest is told besides how many and for how long. */
const MODES: Readonly<Record<string, readonly string[]>> = {
  heads: ["-H", "-i", "5", "-x", "24", "-t", "GET", "-u", "/"],
  bodies: ["-B", "-i", "5", "-x", "10", "-s", "8192", "-t", "POST", "-u", "/"],
  reads: ["-X", "-w", "512", "-y", "1024", "-n", "5", "-z", "32", "-k", "1", "-u", "/bulk"],
  ranges: ["-R", "-a", "1", "-b", "3000", "-t", "HEAD", "-u", "/bulk"],
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: "string", default: "" },
    seconds: { type: "string", default: "30" },
    connections: { type: "string", default: "4000" },
    "per-client": { type: "string", default: "0" },
  },
});

const attacker = findProgram("slowhttptest");
if (attacker === undefined) {
  console.error("slowhttptest is not installed: apt-get install slowhttptest");
  process.exit(1);
}

stopChildrenOnExit();
using folder = new WorkFolder();
const only = values.only.split(",").filter((name) => name !== "");
const modes = positionals.length === 0 ? Object.keys(MODES) : positionals;
console.log(
  "| mode | proxy | honest | failed | of what kind | quiet p50, p99 | attacked p50, p99, most ms |",
);
console.log("|---|---|---|---|---|---|---|");
for (const mode of modes) {
  for (const proxy of SLOW_PROXIES) {
    if (only.length > 0 && !only.includes(proxy.name)) continue;
    console.log(proxy.missing() ?? (await measured(mode, proxy)));
  }
}

async function measured(mode: string, proxy: SlowProxy): Promise<string> {
  const place = join(folder.path, `${mode}-${proxy.name}`);
  mkdirSync(place, { recursive: true });
  const [listenPort, originPort] = [await freePort(), await freePort()];
  const origin = new OriginProcess(originPort);
  await origin.start();
  const setting = {
    folder: place,
    listenPort,
    originPort,
    perClient: Number(values["per-client"]),
  };
  await using child = new Child({
    name: proxy.name,
    command: proxy.launch(setting),
    cores: String(CONTESTANT_CORE),
    port: listenPort,
    outputPath: join(place, "output"),
    errorPath: join(place, "errors"),
  });
  await child.ready(READY_MS);
  const load = new LoadProcess();
  try {
    const start = { order: "start", port: listenPort, rate: RATE, postEvery: 0 } as const;
    await load.obey({ ...start, freshEvery: FRESH_EVERY, from: HONEST });
    await pause(1_000);
    await load.obey({ order: "mark" });
    await pause(QUIET_MS);
    const quiet = await load.obey({ order: "report" });
    await load.obey({ order: "mark" });
    await attack(mode, listenPort);
    const attacked = await load.obey({ order: "stop" });
    return row(mode, proxy.name, quiet, attacked);
  } finally {
    load.end();
    await origin.kill();
  }
}

/** Ends by itself; where it finds the service closed, somewhat earlier. */
async function attack(mode: string, port: number): Promise<void> {
  const endMs = performance.now() + Number(values.seconds) * 1_000;
  const options = MODES[mode]!.map((word, at, all) =>
    all[at - 1] === "-u" ? `http://127.0.0.1:${port}${word}` : word,
  );
  const amount = ["-c", values.connections, "-r", "1000", "-p", "5", "-v", "0"];
  while (endMs - performance.now() > 2_000) {
    const leftS = String(Math.ceil((endMs - performance.now()) / 1_000));
    const child = spawn(attacker!, [...options, ...amount, "-l", leftS], { stdio: "ignore" });
    await once(child, "exit");
    await pause(200);
  }
}

function row(mode: string, name: string, quiet: LoadReport, attacked: LoadReport): string {
  const kinds = Object.entries(attacked.failed);
  const failed = kinds.reduce((sum, [, count]) => sum + count, 0);
  const told = kinds.map(([kind, count]) => `${count} × ${kind}`).join(", ");
  const ms = (report: LoadReport, count: number) =>
    report.latenciesMs
      .slice(0, count)
      .map((each) => each.toFixed(1))
      .join(", ");
  const many = failed === 0 ? "0" : `**${failed}**`;
  const cells = [mode, name, attacked.sent, many, told, ms(quiet, 2), ms(attacked, 3)];
  return `| ${cells.join(" | ")} |`;
}
