import assert from "node:assert/strict";
import { test } from "node:test";
import { SimWorld } from "../../test/support/sim-world.ts";
import type { Wire, WireReader } from "../base/world.ts";
import { Directory } from "../core/directory.ts";
import { NamedNetwork } from "./named-network.ts";

const BOTH = ["10.0.0.1", "2001:db8::1"];
const APP = { host: "app.test", port: 80 };

/** A name, the hosts of it that listen, and who accepted what. */
async function stage(hosts: readonly string[], listening: readonly string[]) {
  const world = new SimWorld();
  const accepted: { readonly host: string; readonly wire: Wire }[] = [];
  for (const host of listening) {
    await world.network.listen({ host, port: 80 }, (wire) => accepted.push({ host, wire }));
  }
  const directory = new Directory([{ kind: "name", name: "app.test", hosts, why: "" }]);
  const network = new NamedNetwork(world, directory);
  return { world, directory, network, accepted };
}

function connect(network: NamedNetwork) {
  const events: string[] = [];
  const buffer = Buffer.alloc(1024);
  let text = "";
  const reader: WireReader = {
    buffer: () => buffer,
    read: (count) => {
      text += buffer.toString("latin1", 0, count);
    },
  };
  const wire = network.connect(APP, reader);
  for (const event of ["connect", "close", "end", "drain"] as const) {
    wire.on(event, () => events.push(event));
  }
  wire.on("error", ({ code }) => events.push(String(code)));
  return { wire, events, read: () => text };
}

test("NamedNetwork: a name nobody knows fails without asking anyone", async () => {
  const { world, network } = await stage([], []);

  const { events } = connect(network);
  await world.clock.advance(10);

  assert.deepEqual(events, ["ENOTFOUND", "close"]);
  assert.deepEqual(world.names.asked, []);
});

test("NamedNetwork: IPv6 is first where both answer", async () => {
  const { world, network, accepted } = await stage(BOTH, BOTH);

  const { events, wire } = connect(network);
  await world.clock.advance(10);

  assert.deepEqual(events, ["connect"]);
  assert.deepEqual([wire.remoteAddress, wire.remotePort], ["2001:db8::1", 80]);
  assert.equal(accepted.length, 1);
});

test("NamedNetwork: a family that is refused costs no time", async () => {
  const { world, network } = await stage(BOTH, ["10.0.0.1"]);

  const { events, wire } = connect(network);
  await world.clock.advance(10);

  assert.deepEqual([events, wire.remoteAddress], [["connect"], "10.0.0.1"]);
});

test("NamedNetwork: a family that is silent costs 250 ms, and that once", async () => {
  const { world, network } = await stage(BOTH, ["10.0.0.1"]);
  world.network.blackhole({ host: "2001:db8::1", port: 80 });

  const first = connect(network);
  await world.clock.advance(249);
  const early = [...first.events];
  await world.clock.advance(11);
  const other = connect(network);
  await world.clock.advance(10);

  assert.deepEqual([early, first.events, other.events], [[], ["connect"], ["connect"]]);
});

test("NamedNetwork: what won is first for ten minutes, and then the race is open again", async () => {
  const { world, network } = await stage(BOTH, ["10.0.0.1"]);
  connect(network);
  await world.clock.advance(10);
  await world.network.listen({ host: "2001:db8::1", port: 80 }, () => {});

  const during = connect(network);
  await world.clock.advance(600_000);
  const after = connect(network);
  await world.clock.advance(10);

  assert.equal(during.wire.remoteAddress, "10.0.0.1");
  assert.equal(after.wire.remoteAddress, "2001:db8::1");
});

test("NamedNetwork: when all fail the last error is told, and then the close", async () => {
  const { world, network } = await stage(BOTH, []);

  const { events, wire } = connect(network);
  await world.clock.advance(10);

  assert.deepEqual([events, wire.destroyed], [["ECONNREFUSED", "close"], true]);
});

test("NamedNetwork: where nobody answers it is for the connect timeout to end it", async () => {
  const { world, network, accepted } = await stage(BOTH, BOTH);
  world.network.blackhole({ host: "2001:db8::1", port: 80 });
  world.network.blackhole({ host: "10.0.0.1", port: 80 });

  const { events, wire } = connect(network);
  await world.clock.advance(30_000);

  assert.deepEqual([events, accepted, wire.destroyed], [[], [], false]);
});

test("NamedNetwork: destroyed while racing, nothing is left and it closes", async () => {
  const { world, network, accepted } = await stage(BOTH, ["10.0.0.1"]);
  world.network.blackhole({ host: "2001:db8::1", port: 80 });

  const { events, wire } = connect(network);
  await world.clock.advance(100);
  wire.destroy();
  wire.destroy();
  await world.clock.advance(10_000);

  assert.deepEqual([events, accepted.length, wire.destroyed], [["close"], 0, true]);
  assert.equal(world.clock.pendingCount, 0);
});

test("NamedNetwork: what was written, paused and ended before the race holds after it", async () => {
  const { world, network, accepted } = await stage(BOTH, ["10.0.0.1"]);
  const { wire, events, read } = connect(network);
  let got = "";

  const isTaken = wire.write(Buffer.from("a"));
  wire.write("b\u00e9", "latin1");
  wire.pause();
  wire.end();
  await world.clock.advance(10);
  const server = accepted[0]!.wire;
  server.on("data", (bytes) => {
    got += Buffer.from(bytes).toString("latin1");
  });
  server.write(Buffer.from("answer"));
  await world.clock.advance(10);
  const whilePaused = read();
  wire.resume();
  await world.clock.advance(10);

  assert.deepEqual([isTaken, got, whilePaused, read()], [false, "ab\u00e9", "", "answer"]);
  assert.deepEqual(events, ["connect", "drain"]);
});

test("NamedNetwork: several addresses of one family are all used first by someone", async () => {
  const hosts = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];
  const firsts = new Set<string | undefined>();
  const { world, directory } = await stage(hosts, hosts);

  for (let proxy = 0; proxy < 50; proxy++) {
    const { wire } = connect(new NamedNetwork(world, directory));
    await world.clock.advance(10);
    firsts.add(wire.remoteAddress);
  }

  assert.deepEqual([...firsts].sort(), hosts);
});

test("NamedNetwork: one address is a wire of the network itself", async () => {
  const { world, network, accepted } = await stage(["10.0.0.1"], ["10.0.0.1"]);

  const { wire } = connect(network);
  await world.clock.advance(10);

  assert.equal(wire.constructor.name, "SimWire");
  assert.equal(accepted.length, 1);
});
