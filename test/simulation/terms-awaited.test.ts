/** A client whose certificate is still to be got: what comes first, the terms, its end, or ours. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Wire } from "../../src/base/world.ts";
import type { TlsTerms } from "../../src/core/tls.ts";
import { TermsAwaited } from "../../src/transport/terms-awaited.ts";
import { SimPeer } from "../support/sim-peer.ts";
import { SimWorker } from "../support/sim-worker.ts";
import { SimWorld } from "../support/sim-world.ts";

const ADDRESS = { host: "10.0.0.1", port: 443 };
const DEADLINE_MS = 10_000;
const TERMS = { policy: "the terms" } as TlsTerms; // nobody looks into them here

async function stage() {
  const world = new SimWorld();
  const worker = new SimWorker(world);
  const told: string[] = [];
  const read: string[] = [];
  const accepted: Wire[] = [];
  await world.network.listen(ADDRESS, (wire) => accepted.push(wire));
  const client = new SimPeer((reader) => world.network.connect(ADDRESS, reader));
  await world.clock.advance(10);
  const wire = accepted[0]!;
  const terms = Promise.withResolvers<TlsTerms | undefined>();
  const awaited = new TermsAwaited(wire, worker, {
    found: (found) => {
      told.push(`found ${found?.policy}`);
      wire.on("data", (bytes) => read.push(Buffer.from(bytes).toString("latin1"))); // as a handshake does
    },
    refused: (fault) => told.push(`refused ${fault?.code}`),
  });
  awaited.start(terms.promise, DEADLINE_MS);
  return { world, client, wire, terms, awaited, told, read };
}

for (const found of [TERMS, undefined]) {
  test(`TermsAwaited: ${found === undefined ? "none" : "terms"} in time, and what came meanwhile is not lost`, async () => {
    const { world, client, wire, terms, told, read } = await stage();
    client.send("early");
    await world.clock.advance(1_000);

    terms.resolve(found);
    await world.clock.advance(20_000);

    assert.deepEqual(told, [`found ${found?.policy}`]);
    assert.equal(read.join(""), "early");
    assert.equal(wire.destroyed, false);
  });
}

test("TermsAwaited: the deadline of the handshake holds", async () => {
  const { world, client, wire, terms, told } = await stage();

  await world.clock.advance(DEADLINE_MS + 500);
  terms.resolve(TERMS);
  await world.clock.advance(1_000);

  assert.deepEqual(told, ["refused handshake_timeout"]);
  assert.equal(wire.destroyed, true);
  assert.equal(client.isClosed || client.hasFinished, true);
});

test("TermsAwaited: a client that resets is forgotten", async () => {
  const { world, client, terms, told } = await stage();

  client.wire.resetAndDestroy();
  await world.clock.advance(DEADLINE_MS + 500);
  terms.resolve(TERMS);
  await world.clock.advance(1_000);

  assert.equal(told.length, 1);
  assert.match(told[0]!, /^refused (?:client_gone|handshake_timeout)$/);
});

test("TermsAwaited: given up when the listener is, once", async () => {
  const { world, wire, terms, awaited, told } = await stage();

  awaited.drain();
  await world.clock.advance(100);
  assert.deepEqual(told, []);
  awaited.abort();
  awaited.abort();
  terms.resolve(TERMS);
  await world.clock.advance(DEADLINE_MS * 2);

  assert.deepEqual(told, ["refused undefined"]);
  assert.equal(wire.destroyed, true);
});
