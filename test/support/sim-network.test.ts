// What the simulation adds to the promises that src/base keeps over both networks.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Wire, WireReader } from "../../src/base/world.ts";
import { SimClock } from "./sim-clock.ts";
import { SimWorld } from "./sim-world.ts";

const DOOR = { host: "10.0.0.1", port: 80 };

function reader(onRead: (text: string) => void): WireReader {
  const lent = Buffer.alloc(4096);
  return { buffer: () => lent, read: (count) => onRead(lent.toString("latin1", 0, count)) };
}

/** How a long answer comes in: the sizes of the pieces and when each arrived. */
async function arrivals(seed: number): Promise<string[]> {
  const { network, clock } = new SimWorld(seed);
  await network.listen(DOOR, (wire) => {
    wire.write(Buffer.alloc(20_000, 97));
    wire.end();
  });
  const seen: string[] = [];
  network.connect(
    DOOR,
    reader((text) => seen.push(`${clock.nowMs()} ${text.length}`)),
  );
  await clock.advance(100);
  return seen;
}

test("SimNetwork: the same seed cuts the same way, another one differently", async () => {
  const [first, again, other] = [await arrivals(1), await arrivals(1), await arrivals(2)];

  assert.deepEqual(first, again);
  assert.notDeepEqual(first, other);
});

test("SimNetwork: nothing arrives before the latency has passed", async () => {
  const { network, clock } = new SimWorld(1, { latencyMs: 50 });
  const heard: string[] = [];
  await network.listen(DOOR, (wire) => {
    heard.push(`accepted ${clock.nowMs()}`);
    wire.on("data", () => heard.push(`data ${clock.nowMs()}`));
  });

  const wire = network.connect(
    DOOR,
    reader(() => {}),
  );
  wire.on("connect", () => heard.push(`connect ${clock.nowMs()}`));
  wire.write("x", "latin1");
  await clock.advance(1000);

  assert.deepEqual(heard, ["accepted 50", "connect 100", "data 150"]);
});

test("SimNetwork: a black hole never answers, until it does", async () => {
  const { network, clock } = new SimWorld();
  await network.listen(DOOR, () => {});
  const heard: string[] = [];
  const connect = (name: string): Wire => {
    const wire = network.connect(
      DOOR,
      reader(() => {}),
    );
    for (const event of ["connect", "close"] as const) {
      wire.on(event, () => heard.push(`${name} ${event}`));
    }
    return wire;
  };

  network.blackhole(DOOR);
  const first = connect("first");
  await clock.advance(60_000);
  first.destroy();
  network.answer(DOOR);
  connect("other");
  await clock.advance(10);

  assert.deepEqual(heard, ["first close", "other connect"]);
});

test("SimNetwork: names are found if they were given, and a client has the address it says", async () => {
  const { network, clock } = new SimWorld();
  const from: string[] = [];
  await network.listen({ host: "::", port: 80 }, (wire) => from.push(wire.remoteAddress ?? ""));
  network.name("app.test", "10.1.2.3");
  const codes: string[] = [];

  const nobody = reader(() => {});
  network.connectFrom("203.0.113.9", { host: "app.test", port: 80 }, nobody);
  network
    .connect({ host: "nowhere.test", port: 80 }, nobody)
    .on("error", (error) => codes.push(error.code ?? ""));
  network
    .connect({ host: "/run/none.sock", port: 0 }, nobody)
    .on("error", (error) => codes.push(error.code ?? ""));
  await clock.advance(10);

  assert.deepEqual(from, ["203.0.113.9"]);
  assert.deepEqual(codes.sort(), ["ENOENT", "ENOTFOUND"]);
});

test("SimNetwork: a buffer that is reused while it still waits arrives spoiled", async () => {
  const { network, clock } = new SimWorld(1, { kernelBytes: 1000 });
  const body = Buffer.alloc(4000, 97);
  await network.listen(DOOR, (wire) => {
    wire.write(body);
    assert.ok(wire.writableLength > 0);
    body.fill(98);
  });
  let text = "";

  network.connect(
    DOOR,
    reader((part) => {
      text += part;
    }),
  );
  await clock.advance(100);

  assert.equal(text, "a".repeat(1000) + "b".repeat(3000));
});

test("SimClock: timers fire in order, each before what it started, and wall time may jump", async () => {
  const clock = new SimClock();
  const heard: string[] = [];
  const note = (what: string) => heard.push(`${what} ${clock.nowMs()}`);
  const wallMs = clock.wallMs();

  clock.after(20, () => note("later"));
  clock.after(10, () => {
    note("first");
    Promise.resolve().then(() => setImmediate(() => note("its immediate")));
    clock.after(0, () => note("its timer"));
  });
  clock.after(10, () => note("second"));
  clock.after(15, () => note("cancelled")).cancel();
  clock.jumpWall(-3_600_000);
  await clock.advance(20);

  assert.deepEqual(heard, [
    "first 10",
    "its immediate 10",
    "second 10",
    "its timer 10",
    "later 20",
  ]);
  assert.equal(clock.wallMs() - wallMs, 20 - 3_600_000);
  assert.equal(clock.pendingCount, 0);
});

test("SimClock: cancelling any of many timers leaves the others in order", async () => {
  const { random, clock } = new SimWorld(3);
  const heard: number[] = [];
  const delays = Array.from({ length: 300 }, () => random.below(1000));
  const timers = delays.map((delayMs) => clock.after(delayMs, () => heard.push(delayMs)));

  const kept = delays.filter((_, place) => {
    if (place % 3 === 0) timers[place]!.cancel();
    return place % 3 !== 0;
  });
  await clock.advance(1000);

  assert.deepEqual(
    heard,
    kept.sort((a, b) => a - b),
  );
});
