/** One storage, and what several instances, a full disk and half a file do to it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryStorage } from "../../../test/support/memory-storage.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, SimAcme } from "../../../test/support/sim-keeper.ts";

test("CertificateKeeper: two instances with one storage order once, and renew once", async () => {
  const sim = new SimAcme();
  sim.ca.pollsBeforeDone = 5;

  const keepers = [sim.started(), sim.started(), sim.started()];
  await sim.pass(MINUTE_MS);
  assert.equal(sim.ca.orders.length, 1);
  assert.equal(new Set(keepers.map(({ held }) => held?.fingerprint)).size, 1);
  await sim.pass(61 * DAY_MS);

  assert.equal(sim.ca.orders.length, 2);
  assert.equal(new Set(keepers.map(({ held }) => held?.fingerprint)).size, 1);
});

test("CertificateKeeper: two instances that fail ask no more often than one", async () => {
  const sim = new SimAcme();
  sim.ca.looks = () => false;

  for (let instance = 0; instance < 4; instance++) sim.started();
  await sim.pass(HOUR_MS);

  assert.ok(sim.ca.orders.length <= 6, `${sim.ca.orders.length} orders`);
});

test("CertificateKeeper: who dies in the middle of an order goes on with it", async () => {
  const sim = new SimAcme();
  sim.ca.pollsBeforeDone = 1_000;
  const first = sim.keeper({ storage: sim.storage });
  first.start();
  await sim.pass(20_000);
  assert.equal(sim.ca.orders.length, 1);
  first[Symbol.dispose]();
  await sim.pass(400_000); // until the order of the first has given up
  sim.ca.pollsBeforeDone = 1;

  const second = sim.started();
  await sim.pass(5 * MINUTE_MS);

  assert.equal(second.status.state, "held");
  assert.equal(sim.ca.orders.length, 1);
});

test("CertificateKeeper: where nothing can be stored nothing is ordered, and it is said once", async () => {
  const sim = new SimAcme();
  sim.storage.failing = "ENOSPC";
  const keeper = sim.started();
  await sim.pass(HOUR_MS);
  assert.equal(sim.ca.orders.length, 0);
  assert.match(keeper.status.problem!, /^the storage: ENOSPC/);
  assert.equal(sim.world.lines.length, 1);

  sim.storage.failing = undefined;
  await sim.pass(2 * MINUTE_MS);

  assert.equal(keeper.status.state, "held");
  assert.equal(keeper.status.problem, undefined);
});

test("CertificateKeeper: a disk that is full at the end does not mean another order", async () => {
  const sim = new SimAcme();
  sim.ca.lies = (_question, path) => {
    if (path.startsWith("/cert/")) sim.storage.failing = "ENOSPC";
    return undefined;
  };
  const keeper = sim.started();
  await sim.pass(DAY_MS);
  assert.ok(keeper.held !== undefined);
  assert.match(keeper.status.problem!, /ENOSPC/);

  sim.storage.failing = undefined;
  await sim.pass(2 * MINUTE_MS);

  assert.equal(sim.ca.orders.length, 1);
  assert.ok(sim.storage.files.has("certificates/a.test.json"));
});

// biome-ignore format: a table
const files: readonly [string, (text: string) => string][] = [
  ["is half written",          (text) => text.slice(0, text.length / 2)],
  ["is empty",                 () => ""],
  ["has another key",          (text) => text.replace(/"key":".*?"/, () => `"key":${JSON.stringify("x")}`)],
  ["is for another name",      (text) => text.replace(/-----BEGIN CERT[^"]*/, "")],
  ["is no map",                () => "null"],
];
for (const [name, change] of files) {
  test(`CertificateKeeper: a stored certificate that ${name} is ordered anew`, async () => {
    const sim = new SimAcme();
    const first = sim.started();
    await sim.pass(MINUTE_MS);
    first[Symbol.dispose]();
    const key = "certificates/a.test.json";
    sim.storage.files.set(key, change(sim.storage.files.get(key)!));

    const keeper = sim.started();
    await sim.pass(5 * MINUTE_MS);

    assert.equal(keeper.status.state, "held");
    assert.equal(sim.ca.orders.length, 2);
    assert.match(sim.storage.files.get(key)!, /BEGIN CERTIFICATE/);
  });
}

test("CertificateKeeper: what another one has put there is taken within the hour", async () => {
  const sim = new SimAcme();
  const keeper = sim.started();
  await sim.pass(MINUTE_MS);
  const first = keeper.held;
  const storage = new MemoryStorage(sim.world.clock);
  const other = sim.started({ storage });
  await sim.pass(MINUTE_MS);

  const key = "certificates/a.test.json";
  sim.storage.files.set(key, storage.files.get(key)!);
  await sim.pass(HOUR_MS);

  assert.notEqual(keeper.held?.fingerprint, first?.fingerprint);
  assert.equal(keeper.held?.fingerprint, other.held?.fingerprint);
});
