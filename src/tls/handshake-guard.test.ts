import assert from "node:assert/strict";
import { test } from "node:test";
import { SimClock } from "../../test/support/sim-clock.ts";
import { HandshakeGuard, type HandshakeLimits } from "./handshake-guard.ts";

const ANY = Number.POSITIVE_INFINITY;

function stage() {
  const clock = new SimClock();
  const memory = new SharedArrayBuffer(HandshakeGuard.byteLength);
  const guard = new HandshakeGuard(memory, clock);
  const count = (tries: number, address: string, limits: HandshakeLimits, by = guard) =>
    Array.from({ length: tries }, () => by.admits(address, limits)).filter(Boolean).length;
  return { clock, memory, guard, count };
}

test("HandshakeGuard: so many from one client in a second, and as many in the next", async () => {
  const { clock, count } = stage();
  const limits = { perSecond: ANY, perClient: 5 };

  assert.equal(count(8, "10.0.0.1", limits), 5);
  assert.equal(count(8, "10.0.0.2", limits), 5);
  await clock.advance(1_000);
  assert.equal(count(8, "10.0.0.1", limits), 5);
});

test("HandshakeGuard: so many in all, whoever they are from", () => {
  const { count } = stage();
  const limits = { perSecond: 3, perClient: ANY };

  assert.equal(count(2, "10.0.0.1", limits), 2);
  assert.equal(count(2, "10.0.0.2", limits), 1);
});

test("HandshakeGuard: workers share the counts", () => {
  const { clock, memory, count } = stage();
  const other = new HandshakeGuard(memory, clock);
  const limits = { perSecond: ANY, perClient: 5 };

  assert.equal(count(3, "10.0.0.1", limits), 3);
  assert.equal(count(3, "10.0.0.1", limits, other), 2);
});

test("HandshakeGuard: addresses of one IPv6 network are one client", () => {
  const { count } = stage();
  const limits = { perSecond: ANY, perClient: 2 };

  assert.equal(count(1, "2001:db8::1", limits), 1);
  assert.equal(count(1, "2001:db8:0:0:ffff::2", limits), 1);
  assert.equal(count(1, "2001:0db8:0000:0000:1:2:3:4", limits), 0);
  assert.equal(count(1, "2001:db8:0:1::1", limits), 1);
  assert.equal(count(2, "::1", limits), 2);
  assert.equal(count(2, "unix", limits), 2);
});

test("HandshakeGuard: a flood of clients costs others next to nothing", () => {
  const { guard, count } = stage();
  const limits = { perSecond: ANY, perClient: 2 };
  for (let client = 0; client < 500; client++) {
    for (let round = 0; round < 10; round++)
      guard.admits(`10.1.${client >> 8}.${client & 255}`, limits);
  }

  let refused = 0;
  for (let client = 0; client < 500; client++) {
    refused += 1 - count(1, `10.2.${client >> 8}.${client & 255}`, limits);
  }
  assert.ok(refused < 30, `${refused} of 500 were taken for another`);
});

test("HandshakeGuard: no limit costs no memory's touch", () => {
  const { memory, count } = stage();
  const before = new Uint8Array(memory.slice(0));

  assert.equal(count(100, "10.0.0.1", { perSecond: ANY, perClient: ANY }), 100);
  assert.deepEqual(new Uint8Array(memory.slice(0)), before);
});
