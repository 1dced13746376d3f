import assert from "node:assert/strict";
import { test } from "node:test";
import { SimClock } from "../../test/support/sim-clock.ts";
import type { Passage } from "../core/breaker.ts";
import { BREAKER, type BreakerOptions, CircuitBreaker } from "./circuit-breaker.ts";
import { HealthLog } from "./health/health-log.ts";

/** Several workers on the same memory. */
function setup(more: Partial<BreakerOptions> = {}, workers = 1) {
  const clock = new SimClock();
  const said: string[] = [];
  const log = { info: (message: string) => void said.push(message), warn() {} };
  const memory = new SharedArrayBuffer(CircuitBreaker.byteLength);
  const breakers = Array.from({ length: workers }, () => {
    const healthLog = new HealthLog(clock, log, "app");
    return new CircuitBreaker(memory, { ...BREAKER, ...more }, clock, healthLog);
  });
  return { clock, said, breakers, breaker: breakers[0]! };
}

function serve(breaker: CircuitBreaker, status = 200, firstByteMs = 1): boolean {
  const passage = breaker.enter();
  passage?.answered(status, firstByteMs);
  passage?.over("served");
  return passage !== undefined;
}

function failOnce(breaker: CircuitBreaker): void {
  breaker.enter()?.over("failed");
}

function times(count: number, act: () => unknown): void {
  for (let index = 0; index < count; index++) act();
}

test("CircuitBreaker: opens at the share of errors, and not before there are enough requests", () => {
  const { breaker, said } = setup({ minRequests: 20 });

  times(10, () => serve(breaker));
  times(9, () => failOnce(breaker));
  assert.equal(breaker.state, "closed");
  failOnce(breaker);

  assert.equal(breaker.state, "open");
  assert.equal(breaker.enter(), undefined);
  assert.equal(breaker.retryAfterMs, 5_000);
  assert.equal(breaker.opensEver, 1);
  assert.deepEqual(said, ["circuit open"]);
});

test("CircuitBreaker: below the share it stays closed, however many they are", () => {
  const { breaker } = setup();

  times(1_000, () => {
    times(11, () => serve(breaker));
    times(9, () => failOnce(breaker));
  });

  assert.equal(breaker.state, "closed");
});

test("CircuitBreaker: statuses that are listed are errors, others are not", () => {
  const { breaker } = setup({ statuses: new Set([503]) });

  times(100, () => serve(breaker, 500));
  assert.equal(breaker.state, "closed");
  times(100, () => serve(breaker, 503));

  assert.equal(breaker.state, "open");
});

test("CircuitBreaker: who leaves says nothing", () => {
  const { breaker } = setup({ minRequests: 1, errorPercent: 1 });

  times(100, () => breaker.enter()?.over("abandoned"));

  assert.equal(breaker.state, "closed");
});

test("CircuitBreaker: a response that breaks off is one request and one error", () => {
  const { breaker } = setup({ minRequests: 2, errorPercent: 51 });

  serve(breaker);
  const passage = breaker.enter()!;
  passage.answered(200, 1);
  passage.over("failed");
  assert.equal(breaker.state, "closed", "1 of 2");
  failOnce(breaker);

  assert.equal(breaker.state, "open", "2 of 3");
});

test("CircuitBreaker: what is long ago is forgotten, a tenth at a time", async () => {
  const { breaker, clock } = setup({ minRequests: 20, withinMs: 10_000 });

  times(19, () => failOnce(breaker));
  await clock.advance(10_000);
  times(19, () => failOnce(breaker));
  assert.equal(breaker.state, "closed");
  await clock.advance(8_999);
  failOnce(breaker);

  assert.equal(breaker.state, "open");
});

test("CircuitBreaker: opens when it is slow", () => {
  const { breaker } = setup({ latency: { percentile: 90, overMs: 100 } });

  times(90, () => serve(breaker));
  times(10, () => serve(breaker, 200, 101));
  assert.equal(breaker.state, "closed", "a tenth may be");
  times(2, () => serve(breaker, 200, 101));

  assert.equal(breaker.state, "open");
});

test("CircuitBreaker: after a while probes are let through, so many, and close it if all go well", async () => {
  const { breaker, clock, said } = setup({ openForMs: 5_000, probes: 3 });
  times(20, () => failOnce(breaker));
  await clock.advance(4_999);
  assert.equal(breaker.enter(), undefined);
  await clock.advance(1);

  const probes: (Passage | undefined)[] = [];
  times(5, () => probes.push(breaker.enter()));
  assert.equal(probes.filter((each) => each !== undefined).length, 3);
  assert.equal(breaker.state, "half-open");
  for (const probe of probes) probe?.answered(200, 1);

  assert.equal(breaker.state, "closed");
  assert.deepEqual(said, ["circuit open", "circuit half-open", "circuit closed"]);
  times(19, () => failOnce(breaker));
  assert.equal(breaker.state, "closed", "it begins with nothing counted");
});

for (const [name, end] of [
  ["fails", (probe: Passage) => probe.over("failed")],
  ["is an error", (probe: Passage) => probe.answered(503, 1)],
  ["is slow", (probe: Passage) => probe.answered(200, 1_001)],
] as const) {
  test(`CircuitBreaker: one probe that ${name} opens it again`, async () => {
    const { breaker, clock } = setup({ latency: { percentile: 95, overMs: 1_000 } });
    times(20, () => failOnce(breaker));
    await clock.advance(5_000);
    const [first, other] = [breaker.enter()!, breaker.enter()!];

    first.answered(200, 1);
    end(other);

    assert.equal(breaker.state, "open");
    assert.equal(breaker.retryAfterMs, 5_000);
    assert.equal(breaker.opensEver, 2);
  });
}

test("CircuitBreaker: a probe whose client leaves makes room for another one", async () => {
  const { breaker, clock } = setup({ probes: 1 });
  times(20, () => failOnce(breaker));
  await clock.advance(5_000);

  const probe = breaker.enter()!;
  assert.equal(breaker.enter(), undefined);
  probe.over("abandoned");

  assert.ok(serve(breaker));
  assert.equal(breaker.state, "closed");
});

test("CircuitBreaker: probes that are never heard of again do not hold it half-open for ever", async () => {
  const { breaker, clock } = setup({ probes: 1, openForMs: 5_000 });
  times(20, () => failOnce(breaker));
  await clock.advance(5_000);
  breaker.enter();
  assert.equal(breaker.enter(), undefined);

  await clock.advance(5_000);

  assert.ok(serve(breaker));
  assert.equal(breaker.state, "closed");
});

test("CircuitBreaker: what began before it opened decides nothing afterwards", async () => {
  const { breaker, clock } = setup();
  const early = breaker.enter()!;
  times(20, () => failOnce(breaker));
  await clock.advance(5_000);
  const probe = breaker.enter()!;

  early.over("failed");
  assert.equal(breaker.state, "half-open");
  probe.over("abandoned");

  assert.equal(breaker.opensEver, 1);
});

test("CircuitBreaker: all workers count together, and one of them says so", async () => {
  const { breakers, clock, said } = setup({ probes: 2 }, 4);

  times(5, () => breakers.forEach(failOnce));
  assert.ok(breakers.every(({ state }) => state === "open"));
  await clock.advance(5_000);
  const probes = breakers.map((each) => each.enter());
  assert.equal(probes.filter((each) => each !== undefined).length, 2);
  for (const probe of probes) probe?.answered(200, 1);

  assert.ok(breakers.every(({ state }) => state === "closed"));
  assert.deepEqual(said, ["circuit open", "circuit half-open", "circuit closed"]);
});
