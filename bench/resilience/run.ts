/**
 *     node bench/resilience/run.ts [EVENT …] [--only sluice,nginx] [--rate 200] [--reloads 100] [--record]
 *
 * Drives the same events against Sluice and its peers, each under load from a client at a fixed rate,
 * and counts the requests that failed. README.md says how to read the figures.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { stopChildrenOnExit } from "../machine/child.ts";
import { describeMachine, WorkFolder } from "../machine/place.ts";
import { versions } from "../machine/versions.ts";
import { EVENTS, type ResilienceEvent } from "./events.ts";
import { caddy } from "./proxies/caddy.ts";
import { haproxy } from "./proxies/haproxy.ts";
import { nginx } from "./proxies/nginx.ts";
import { NotThere, pause, type ResilientProxy } from "./proxies/proxy.ts";
import { sluice } from "./proxies/sluice.ts";
import { printResults, type Result, record } from "./results.ts";
import { Stage } from "./stage.ts";

const PROXIES: readonly ResilientProxy[] = [sluice, nginx, haproxy, caddy];
const SETTLE_MS = 2_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: "string", default: "" },
    rate: { type: "string", default: "200" },
    reloads: { type: "string", default: "100" },
    record: { type: "boolean", default: false },
  },
});
const rate = Number(values.rate);
const scale = { reloads: Number(values.reloads) };

stopChildrenOnExit();
const results: Result[] = [];
using folder = new WorkFolder();
for (const event of chosenEvents()) {
  for (const proxy of chosenProxies()) {
    const result = await measured(event, proxy);
    results.push(result);
    console.log(printResults([result]));
  }
}
console.log(printResults(results));
if (values.record) {
  record(results, { date: new Date(), machine: describeMachine(), versions: versions(), rate });
}

async function measured(event: ResilienceEvent, proxy: ResilientProxy): Promise<Result> {
  const why = proxy.missing();
  const base = { event: event.name, about: event.about, proxy: proxy.name };
  if (why !== undefined) return { ...base, missing: why };
  await using stage = await Stage.open(
    proxy,
    join(folder.path, `${event.name}-${proxy.name}`),
    event,
  );
  const { load, setting } = stage;
  const port = setting.listenPort;
  if (event.sockets > 0) await load.obey({ order: "sockets", port, count: event.sockets });
  await load.obey({ order: "start", port, rate, postEvery: event.postEvery });
  await pause(SETTLE_MS);
  await load.obey({ order: "mark" });
  try {
    await event.drive(stage, scale);
  } catch (error) {
    if (!(error instanceof NotThere)) throw error;
    return { ...base, missing: error.message };
  }
  await pause(SETTLE_MS);
  return { ...base, report: await load.obey({ order: "stop" }) };
}

function chosenEvents(): readonly ResilienceEvent[] {
  if (positionals.length === 0) return EVENTS;
  return positionals.map((name) => {
    const event = EVENTS.find((each) => each.name === name);
    if (event !== undefined) return event;
    const known = EVENTS.map((each) => each.name).join(", ");
    throw new Error(`Cannot run ${name}: must be one of ${known}`);
  });
}

function chosenProxies(): readonly ResilientProxy[] {
  const only = values.only.split(",").filter((name) => name !== "");
  return PROXIES.filter(({ name }) => only.length === 0 || only.includes(name));
}
