import assert from "node:assert/strict";
import { test } from "node:test";
import { SimClock } from "../../../test/support/sim-clock.ts";
import { FailureGuard, type FailureLimits } from "./failure-guard.ts";

const LIMITS: FailureLimits = { perAddress: 3, perName: 6, withinMs: 60_000 };

function guardOf(limits = LIMITS) {
  const clock = new SimClock();
  const memory = new SharedArrayBuffer(FailureGuard.byteLength);
  return { clock, memory, guard: new FailureGuard(memory, clock, limits) };
}

test("FailureGuard: so many may fail, and the next has to wait for one to leak away", async () => {
  const { clock, guard } = guardOf();

  assert.equal(guard.waitMs("192.0.2.1"), 0);
  assert.equal(guard.failed("192.0.2.1"), 0);
  assert.equal(guard.failed("192.0.2.1"), 0);
  const waitMs = guard.failed("192.0.2.1");

  assert.ok(waitMs > 9_000 && waitMs <= 20_000, `${waitMs}`);
  assert.equal(guard.waitMs("192.0.2.2"), 0, "another address");
  await clock.advance(20_000);
  assert.equal(guard.waitMs("192.0.2.1"), 0);
  await clock.advance(60_000);
  assert.equal(guard.failed("192.0.2.1"), 0, "all has leaked away");
});

test("FailureGuard: a name that many addresses try has to wait, too", () => {
  const { guard } = guardOf();

  for (let at = 1; at <= 6; at++) guard.failed(`192.0.2.${at}`, "root");

  assert.ok(guard.waitMs("198.51.100.1", "root") > 0);
  assert.equal(guard.waitMs("198.51.100.1", "toor"), 0);
  assert.equal(guard.waitMs("198.51.100.1"), 0);
});

test("FailureGuard: a /64 is one client, however it is written", () => {
  const { guard } = guardOf();

  for (let at = 1; at <= 3; at++) guard.failed(`2001:db8::${at}`);

  assert.ok(guard.waitMs("2001:db8:0:0:ffff::9") > 0);
  assert.equal(guard.waitMs("2001:db8:0:1::1"), 0);
});

test("FailureGuard: workers count together", () => {
  const { clock, memory, guard } = guardOf();
  const other = new FailureGuard(memory, clock, LIMITS);

  guard.failed("192.0.2.1");
  other.failed("192.0.2.1");
  guard.failed("192.0.2.1");

  assert.ok(other.waitMs("192.0.2.1") > 0);
});

test("FailureGuard: a flood of addresses makes it forget, and refuses nobody who has not failed", () => {
  const { guard } = guardOf();
  const addressOf = (at: number) => `10.${(at >> 16) & 255}.${(at >> 8) & 255}.${at & 255}`;

  for (let at = 0; at < 200_000; at++) guard.failed(addressOf(at));

  for (let at = 300_000; at < 310_000; at++) assert.equal(guard.waitMs(addressOf(at)), 0);
});

test("FailureGuard: time that wraps around makes nobody wait", async () => {
  const { clock, guard } = guardOf();
  for (let at = 0; at < 3; at++) guard.failed("192.0.2.1");

  await clock.advance(2 ** 31 * 16 + 1_000);

  assert.equal(guard.waitMs("192.0.2.1"), 0);
});
