import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { nodeFlagsOf } from "../../../tools/node-flags.ts";
import { listedOrigins, NotThere, type ResilientProxy, type Setting } from "./proxy.ts";

const REPOSITORY = join(import.meta.dirname, "../../..");
const MAIN = join(REPOSITORY, "src/main.ts");

/** Keys that a checkout may not know yet: each is used where `sluice check` takes it. */
const HEALTH = {
  active: { path: "/healthz", every: "500ms", timeout: "500ms", up: 2, down: 2 },
  passive: { failures: 5, within: "10s", ejectFor: "2s" },
};
const RETRY_ON = ["connect", "reused", "reset", "timeout"];

export const sluice: ResilientProxy = {
  name: "sluice",
  parks: true,
  missing: () => undefined,
  launch(setting) {
    write(setting);
    return [process.execPath, ...nodeFlagsOf(REPOSITORY), MAIN, "run", "-c", pathOf(setting)];
  },
  async reload(setting, pid) {
    write(setting);
    process.kill(pid, "SIGHUP");
  },
  async drain(setting, place, isDrained) {
    const endpoint = encodeURIComponent(`127.0.0.1:${setting.originPorts[place]}`);
    const verb = isDrained ? "drain" : "undrain";
    const url = `http://127.0.0.1:${setting.adminPort}/api/upstreams/app/endpoints/${endpoint}/${verb}`;
    const answer = await fetch(url, { method: "POST" });
    if (!answer.ok) throw new NotThere(`POST …/${verb} is ${answer.status}`);
  },
};

function pathOf({ folder }: Setting): string {
  return join(folder, "sluice.yaml");
}

/** JSON is YAML, and needs no care for quoting. */
function write(setting: Setting): void {
  writeFileSync(pathOf(setting), JSON.stringify(config(setting, known(setting)), undefined, 2));
}

interface Known {
  readonly health: boolean;
  readonly malformed: boolean;
  readonly parking: boolean;
  readonly workers: boolean;
}

let knownKeys: Known | undefined;

function known(setting: Setting): Known {
  const none = { health: false, malformed: false, parking: false, workers: false };
  knownKeys ??= {
    health: isTaken(setting, { ...none, health: true }),
    malformed: isTaken(setting, { ...none, malformed: true }),
    parking: isTaken({ ...setting, parkMs: 5_000 }, { ...none, parking: true }),
    workers: isTaken({ ...setting, workers: 2 }, { ...none, workers: true }),
  };
  return knownKeys;
}

function isTaken(setting: Setting, asked: Known): boolean {
  const path = join(setting.folder, "asked.yaml");
  writeFileSync(path, JSON.stringify(config(setting, asked)));
  return spawnSync(process.execPath, [MAIN, "check", "-c", path]).status === 0;
}

function config(setting: Setting, { health, malformed, parking, workers }: Known): object {
  const retry = { attempts: 3, on: malformed ? [...RETRY_ON, "malformed"] : RETRY_ON };
  const app = {
    endpoints: listedOrigins(setting).map(({ port, weight }) => ({
      url: `http://127.0.0.1:${port}`,
      weight,
    })),
    balance: "leastRequest",
    ...(health ? { health: HEALTH } : {}),
    ...(parking && setting.parkMs > 0 ? { parking: `${setting.parkMs}ms` } : {}),
    timeouts: { connect: "1s", responseHead: "1s", responseBody: "1s" },
  };
  const routes = [
    { match: { path: `/version/${setting.version}` }, respond: { status: 204 } },
    { match: { path: "/socket" }, forward: "app" },
    { forward: "app", retry },
  ];
  return {
    ...(workers ? { workers: setting.workers } : {}),
    admin: { listen: `127.0.0.1:${setting.adminPort}` },
    log: { access: "off" },
    upstreams: { app },
    sites: [{ hosts: ["*"], listen: [`127.0.0.1:${setting.listenPort}`], routes }],
  };
}
