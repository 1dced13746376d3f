import assert from "node:assert/strict";
import { test } from "node:test";
import { problem } from "../../../test/support/sim-ca.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, SimAcme } from "../../../test/support/sim-keeper.ts";
import type { ChallengeAnswer } from "./challenge.ts";

test("CertificateKeeper: a certificate is ordered once, stored, and told", async () => {
  const sim = new SimAcme();

  const keeper = sim.started();
  await sim.pass(MINUTE_MS);

  assert.equal(keeper.status.state, "held");
  assert.deepEqual(keeper.held?.names, ["a.test"]);
  assert.equal(sim.ca.orders.length, 1);
  assert.deepEqual(sim.events, [{ kind: "obtained", issuer: "ca.test" }]);
  const left = [...sim.storage.files.keys()].map((key) => key.replace(/ca\.test-\w+/, "ACCOUNT"));
  assert.deepEqual(left, ["accounts/ACCOUNT.json", "certificates/a.test.json"]);
});

test("CertificateKeeper: what is stored is held at once, and nothing is ordered", async () => {
  const sim = new SimAcme();
  sim.started();
  await sim.pass(MINUTE_MS);

  const again = sim.keeper();
  await again.load();

  assert.equal(again.status.state, "held");
  again.start();
  await sim.pass(30 * DAY_MS);
  assert.equal(sim.ca.orders.length, 1);
});

test("CertificateKeeper: renews at two thirds of the life, somewhat before, and with a new key", async () => {
  const sim = new SimAcme();
  const keeper = sim.started();
  await sim.pass(MINUTE_MS);
  const first = keeper.held!;

  await sim.pass(61 * DAY_MS);

  const [, renewed] = sim.orderHours();
  assert.ok(renewed! > 56.5 * 24 && renewed! < 60 * 24, `${renewed} h`);
  assert.notEqual(keeper.held?.key, first.key);
  assert.equal(sim.ca.orders.length, 2);
});

test("CertificateKeeper: a life of six days is renewed after four", async () => {
  const sim = new SimAcme();
  sim.ca.lifeMs = 6 * DAY_MS;
  sim.started();

  await sim.pass(10 * DAY_MS);

  assert.deepEqual(
    sim.orderHours().map((hours) => Math.round(hours / 24)),
    [0, 4, 8],
  );
});

test("CertificateKeeper: with the CA down for a week, the last good one is served and then renewed", async () => {
  const sim = new SimAcme();
  const keeper = sim.started();
  await sim.pass(50 * DAY_MS);
  const held = keeper.held;
  const before = sim.ca.requests.length;

  sim.ca.isDown = true;
  await sim.pass(14 * DAY_MS);
  assert.equal(keeper.held, held);
  assert.equal(keeper.status.state, "failing");
  assert.match(keeper.status.problem!, /cannot be reached: connect ECONNREFUSED/);
  const lines = sim.world.lines.filter(({ message }) => message === "no certificate");
  assert.ok(lines.length > 10 && lines.length < 60, `${lines.length} tries in a week`);
  sim.ca.isDown = false;
  await sim.pass(8 * HOUR_MS);

  assert.equal(sim.ca.requests.length > before, true);
  assert.equal(sim.ca.orders.length, 2);
  assert.notEqual(keeper.held, held);
  assert.equal(keeper.status.state, "held");
});

test("CertificateKeeper: one that has expired is served on, and asked for every hour", async () => {
  const sim = new SimAcme();
  const keeper = sim.started();
  await sim.pass(50 * DAY_MS);

  sim.ca.isDown = true;
  await sim.pass(60 * DAY_MS);
  assert.ok(keeper.held!.notAfterMs < sim.world.clock.wallMs());
  sim.ca.isDown = false;
  await sim.pass(90 * MINUTE_MS);

  assert.ok(keeper.held!.notAfterMs > sim.world.clock.wallMs());
});

test("CertificateKeeper: a CA that hangs is given up, and asked again", async () => {
  const sim = new SimAcme();
  sim.ca.hangs = true;
  const keeper = sim.started();
  await sim.pass(10 * MINUTE_MS);
  assert.match(keeper.status.problem!, /no answer within 30 s/);

  sim.ca.hangs = false;
  await sim.pass(HOUR_MS);

  assert.equal(keeper.status.state, "held");
});

test("CertificateKeeper: the other CA is asked where the first one fails", async () => {
  const sim = new SimAcme();
  const other = sim.addCa("other.test");
  sim.ca.looks = () => false;

  const keeper = sim.started({ cas: [sim.ca, other] });
  await sim.pass(MINUTE_MS);

  assert.equal(keeper.held?.issuer, "other.test");
  assert.deepEqual([sim.ca.orders.length, other.orders.length], [1, 1]);
  assert.deepEqual(sim.events, [
    { kind: "failed", issuer: "ca.test", failure: "refused" },
    { kind: "obtained", issuer: "other.test" },
  ]);
});

test("CertificateKeeper: a name that cannot be proven is tried at most five times an hour", async () => {
  const sim = new SimAcme();
  sim.ca.looks = () => false;

  const keeper = sim.started();
  await sim.pass(HOUR_MS);
  const inFirstHour = sim.ca.orders.length;
  await sim.pass(DAY_MS);

  assert.ok(inFirstHour >= 3 && inFirstHour <= 5, `${inFirstHour} orders`);
  assert.ok(sim.ca.orders.length < 35, `${sim.ca.orders.length} orders in a day`);
  assert.match(
    keeper.status.problem!,
    /a\.test was not proven \(unauthorized: no proof at a\.test\)/,
  );
});

for (const status of [429, 403]) {
  test(`CertificateKeeper: a limit told with ${status} is kept to the second`, async () => {
    const sim = new SimAcme();
    let isLimited = true;
    sim.ca.lies = (_question, path) =>
      path === "/order" && isLimited
        ? problem(status, "rateLimited", "too many", { "retry-after": "36000" })
        : undefined;

    const keeper = sim.started();
    await sim.pass(9 * HOUR_MS);
    const asked = sim.ca.requests.filter((line) => line === "POST /order").length;
    isLimited = false;
    await sim.pass(2 * HOUR_MS);

    assert.equal(asked, 1);
    assert.equal(keeper.status.state, "held");
    assert.deepEqual(sim.orderHours().map(Math.floor), [10]);
  });
}

test("CertificateKeeper: a limit outlives a restart", async () => {
  const sim = new SimAcme();
  sim.ca.lies = (_question, path) =>
    path === "/order" ? problem(429, "rateLimited", "no", { "retry-after": "36000" }) : undefined;
  const first = sim.started();
  await sim.pass(MINUTE_MS);
  first[Symbol.dispose]();

  sim.started();
  await sim.pass(9 * HOUR_MS);

  assert.equal(sim.ca.requests.filter((line) => line === "POST /order").length, 1);
});

test("CertificateKeeper: a process that crashes every ten seconds does not ask each time", async () => {
  const sim = new SimAcme();
  sim.ca.looks = () => false;

  for (let starts = 0; starts < 60; starts++) {
    const keeper = sim.started();
    await sim.pass(10_000);
    keeper[Symbol.dispose]();
  }

  assert.ok(sim.ca.orders.length <= 6, `${sim.ca.orders.length} orders in ten minutes`);
});

test("CertificateKeeper: revoked means replaced, and the CA is told what by", async () => {
  const sim = new SimAcme();
  const startMs = sim.world.clock.wallMs();
  const calm = { start: startMs + 60 * DAY_MS, end: startMs + 62 * DAY_MS };
  let revoked = "";
  sim.ca.wish = (id) => (id === revoked ? { start: startMs, end: startMs + 1 } : calm);
  const keeper = sim.started();
  await sim.pass(5 * DAY_MS);
  assert.equal(sim.ca.orders.length, 1);

  revoked = sim.ca.issued[0]!;
  await sim.pass(7 * HOUR_MS);

  assert.equal(sim.ca.orders.length, 2);
  assert.equal(sim.ca.orders[1]!.replaces, revoked);
  assert.equal(keeper.held?.id, sim.ca.issued[1]);
  await sim.pass(20 * DAY_MS);
  assert.equal(sim.ca.orders.length, 2);
});

test("CertificateKeeper: renews within the window that the CA wishes for", async () => {
  const sim = new SimAcme();
  const startMs = sim.world.clock.wallMs();
  const window = { start: startMs + 20 * DAY_MS, end: startMs + 21 * DAY_MS };
  sim.ca.wish = (id) =>
    id === sim.ca.issued[0] ? window : { start: startMs + 70 * DAY_MS, end: startMs + 71 * DAY_MS };
  sim.started();

  await sim.pass(40 * DAY_MS);

  const [, renewed] = sim.orderHours();
  assert.ok(renewed! >= 20 * 24 && renewed! <= 21 * 24 + 1, `${renewed} h`);
});

// biome-ignore format: a table
const wishes: readonly [string, (startMs: number) => { start: number; end: number }][] = [
  ["after the end of the certificate", (at) => ({ start: at + 80 * DAY_MS, end: at + 100 * DAY_MS })],
  ["that ends before it starts",       (at) => ({ start: at + 20 * DAY_MS, end: at + 10 * DAY_MS })],
];
for (const [name, wish] of wishes) {
  test(`CertificateKeeper: a window ${name} is no window`, async () => {
    const sim = new SimAcme();
    const startMs = sim.world.clock.wallMs();
    sim.ca.wish = () => wish(startMs);
    sim.started();

    await sim.pass(61 * DAY_MS);

    const [, renewed] = sim.orderHours();
    assert.ok(renewed! > 56.5 * 24 && renewed! < 60 * 24, `${renewed} h`);
  });
}

test("CertificateKeeper: a CA that wants every certificate replaced at once gets one order an hour", async () => {
  const sim = new SimAcme();
  sim.ca.wish = () => ({ start: 0, end: 1 });
  sim.started();

  await sim.pass(DAY_MS);

  assert.ok(sim.ca.orders.length <= 25, `${sim.ca.orders.length} orders`);
});

test("CertificateKeeper: a clock that is ten years ahead does not order for ever", async () => {
  const sim = new SimAcme();
  sim.started();
  await sim.pass(MINUTE_MS);

  sim.ca.lies = undefined;
  sim.world.clock.jumpWall(3_650 * DAY_MS);
  await sim.pass(10 * DAY_MS);
  assert.equal(sim.ca.orders.length, 2);
  sim.world.clock.jumpWall(-3_650 * DAY_MS);
  await sim.pass(10 * DAY_MS);

  assert.ok(sim.ca.orders.length <= 3, `${sim.ca.orders.length} orders`);
});

test("CertificateKeeper: a CA whose certificates end before they begin gets no more than its due", async () => {
  const sim = new SimAcme();
  sim.ca.lifeMs = -1_000 * DAY_MS;

  const keeper = sim.started();
  await sim.pass(DAY_MS);

  assert.ok(sim.ca.orders.length < 35, `${sim.ca.orders.length} orders`);
  assert.match(keeper.status.problem!, /cannot be used: it ends before it begins/);
});

test("CertificateKeeper: the next try begins with another way to prove the name", async () => {
  const sim = new SimAcme();
  const seen: string[] = [];
  sim.ca.looks = ({ kind }) => {
    seen.push(kind);
    return kind === "tls-alpn-01";
  };
  const way = (kind: ChallengeAnswer["kind"]): ChallengeAnswer => ({
    kind,
    canProve: () => true,
    present: async () => ({ [Symbol.asyncDispose]: async () => {} }),
  });

  const keeper = sim.started({ answers: [way("http-01"), way("tls-alpn-01")] });
  await sim.pass(10 * MINUTE_MS);

  assert.deepEqual(seen, ["http-01", "tls-alpn-01"]);
  assert.equal(keeper.status.state, "held");
});

test("CertificateKeeper: one of a CA that is not asked any more is served until there is another", async () => {
  const sim = new SimAcme();
  const staging = sim.addCa("staging.test");
  const before = sim.started({ cas: [staging] });
  await sim.pass(MINUTE_MS);
  before[Symbol.dispose]();
  sim.ca.isDown = true;

  const keeper = sim.started();
  await sim.pass(MINUTE_MS);
  assert.equal(keeper.held?.issuer, "staging.test");
  sim.ca.isDown = false;
  await sim.pass(10 * MINUTE_MS);

  assert.equal(keeper.held?.issuer, "ca.test");
});
