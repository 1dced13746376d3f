/**
 * Chaos over real sockets: origins die, come back, hang, reset and talk garbage, the config is
 * reloaded, and clients of every kind go on. Nothing leaks, nobody gets somebody else's answer, and
 * whoever gets an answer gets one that is right for what happened.
 */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { FaultDriver } from "../support/chaos/fault-driver.ts";
import { MixedTraffic } from "../support/chaos/mixed-traffic.ts";
import { replaceConfig } from "../support/chaos/replace-config.ts";
import { eventually, pause } from "../support/deadline.ts";
import { scenario } from "../support/scenario.ts";

const CHAOS_MS = 8_000;
const CLIENTS = 12;
const RELOADS = 12;

scenario(
  "under faults, reloads and clients that leave nothing is lost and nothing is left",
  async (it) => {
    const driver = new FaultDriver(3, 1);
    await driver.open();
    it.defer(() => driver.close());
    const proxy = await it.process(driver.config(0));
    const traffic = new MixedTraffic(proxy.port, 2);
    const before = descriptorsOf(proxy.child.pid!);

    traffic.start(CLIENTS);
    driver.start(300);
    for (let version = 1; version <= RELOADS; version++) {
      await pause(CHAOS_MS / RELOADS);
      replaceConfig(proxy.configFile, driver.config(version));
      proxy.child.kill("SIGHUP");
    }
    await driver.stop();
    await traffic.stop();

    assert.deepEqual(traffic.complaints, []);
    for (const what of [
      "GET: 200",
      "POST: 200",
      "pipelined: 200",
      "socket",
      "left",
      "read slowly",
    ]) {
      assert.ok((traffic.counts.get(what) ?? 0) > 0, `${what}: ${[...traffic.counts]}`);
    }
    let page = "";
    await eventually(
      async () => {
        page = await proxy.metrics();
        return busyGauges(page).length === 0 ? true : undefined;
      },
      () => `nothing in hand, but had ${busyGauges(page)}`,
      10_000,
    );
    assert.match(page, /^sluice_bugs_total 0$/m);
    assert.match(page, new RegExp(`^sluice_config_version ${RELOADS + 1}$`, "m"));
    const idle = sumOf(page, "sluice_upstream_connections_open");
    const left = descriptorsOf(proxy.child.pid!) - before - idle;
    assert.ok(left <= SPARE_DESCRIPTORS, `${left} descriptors are left`);
  },
  { timeoutMs: 60_000 },
);

const SPARE_DESCRIPTORS = 4; // the connections that ask for metrics

const GAUGES = [
  ...["sluice_requests_active", "sluice_upstream_requests_active", "sluice_connections_open"],
];

function busyGauges(page: string): string[] {
  const busy = GAUGES.filter((name) => sumOf(page, name) !== 0);
  const open = sumOf(page, "sluice_upstream_connections_open");
  const idle = sumOf(page, "sluice_upstream_connections_idle");
  return open === idle ? busy : [...busy, `${open - idle} upstream connections`];
}

/** Over all labels. A metric that is not on the page at all would hide what we look for. */
function sumOf(page: string, name: string): number {
  assert.ok(page.includes(`# TYPE ${name} gauge`), `${name} is on the page`);
  const values = [...page.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\d+)$`, "gm"))];
  return values.reduce((total, [, value]) => total + Number(value), 0);
}

function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
