// One suite over the system's network and the simulated one: what a Wire may be relied on for.
import assert from "node:assert/strict";
import { test } from "node:test";
import { SimWorld } from "../../test/support/sim-world.ts";
import { realWorld } from "./real-world.ts";
import type { Address, Door, Network, Wire, WireReader } from "./world.ts";

interface Stage {
  readonly network: Network;
  /** Lets the world go on until it is so; fails if it never is. */
  until(isSo: () => boolean): Promise<void>;
  /** Lets the world go on long enough for anything on its way to arrive. */
  quiet(): Promise<void>;
}

const REAL_WAIT_MS = 5000;
const REAL_QUIET_MS = 40; // loopback delivers within a fraction of one

function realStage(): Stage {
  const { network } = realWorld({ seed: 1 });
  const turn = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  return {
    network,
    async until(isSo) {
      const endMs = performance.now() + REAL_WAIT_MS;
      while (!isSo()) {
        assert.ok(performance.now() < endMs, `never came true: ${isSo}`);
        await turn(1);
      }
    },
    quiet: async () => void (await turn(REAL_QUIET_MS)),
  };
}

function simStage(seed: number): () => Stage {
  return () => {
    const { network, clock } = new SimWorld(seed);
    return {
      network,
      async until(isSo) {
        for (let step = 0; step < 10_000 && !isSo(); step++) await clock.advance(0.1);
        assert.ok(isSo(), `never came true: ${isSo}`);
      },
      quiet: () => clock.advance(REAL_QUIET_MS),
    };
  };
}

/** Notes everything that one end of a connection is told. */
class Ear implements WireReader {
  readonly heard: string[] = [];
  readonly parts: Buffer[] = [];
  asked = 0;
  readonly #lent: Buffer;
  onBytes: ((ear: Ear) => void) | undefined;
  wire!: Wire;

  constructor(lentBytes = 1024) {
    this.#lent = Buffer.alloc(lentBytes);
  }

  buffer(): Uint8Array {
    this.asked += 1;
    return this.#lent;
  }

  read(count: number, buffer: Uint8Array): void {
    assert.equal(buffer, this.#lent);
    this.#take(buffer.subarray(0, count));
  }

  /** To what was accepted, "data" tells; to what connected, read(). */
  on(wire: Wire, readsData: boolean): this {
    this.wire = wire;
    if (readsData) wire.on("data", (bytes) => this.#take(bytes));
    for (const event of ["connect", "end", "drain", "close"] as const) {
      wire.on(event, () => this.heard.push(event));
    }
    wire.on("error", (error) => this.heard.push(error.code ?? error.message));
    return this;
  }

  get text(): string {
    return Buffer.concat(this.parts).toString("latin1");
  }

  get bytes(): number {
    return this.parts.reduce((sum, part) => sum + part.length, 0);
  }

  #take(bytes: Uint8Array): void {
    this.parts.push(Buffer.from(bytes));
    this.onBytes?.(this);
  }
}

interface Pair {
  readonly stage: Stage;
  readonly near: Ear; // connected
  readonly far: Ear; // accepted
  readonly door: Door;
}

async function pair(
  stage: Stage,
  { lentBytes = 1024, onWire = (_wire: Wire) => {} } = {},
): Promise<Pair> {
  const far = new Ear();
  const door = await stage.network.listen({ host: "127.0.0.1", port: 0 }, (wire) => {
    far.on(wire, true);
    onWire(wire);
  });
  const near = new Ear(lentBytes);
  near.on(stage.network.connect(door.address, near), false);
  await stage.until(() => far.wire !== undefined && near.heard.includes("connect"));
  return { stage, near, far, door };
}

async function shut({ near, far, door }: Pair): Promise<void> {
  near.wire.destroy();
  far.wire.destroy();
  await door[Symbol.asyncDispose]();
}

type Promised = (stage: Stage) => Promise<void>;

/** Bytes that betray a mix-up of order: every position has its own value for a long way. */
function pattern(count: number): Buffer {
  const bytes = Buffer.alloc(count);
  for (let at = 0; at + 4 <= count; at += 4) bytes.writeUInt32BE(at, at);
  return bytes;
}

const promises: Record<string, Promised> = {
  "bytes go both ways, as they were, in latin1 too": async (stage) => {
    const both = await pair(stage);

    both.near.wire.write(Buffer.from("to there "));
    both.near.wire.write("é", "latin1");
    both.far.wire.write("and back", "latin1");
    await stage.until(() => both.far.bytes === 10 && both.near.bytes === 8);

    assert.equal(both.far.text, "to there é");
    assert.equal(both.near.text, "and back");
    await shut(both);
  },

  "what is written before the connection stands goes out when it does": async (stage) => {
    const far = new Ear();
    const door = await stage.network.listen({ host: "127.0.0.1", port: 0 }, (wire) => {
      far.on(wire, true);
    });
    const near = new Ear();
    near.on(stage.network.connect(door.address, near), false);

    const goOn = near.wire.write("early", "latin1");
    const waiting = near.wire.writableLength;
    await stage.until(() => far.text === "early");

    assert.deepEqual([goOn, waiting, near.wire.writableLength], [true, 5, 0]);
    await shut({ stage, near, far, door });
  },

  "addresses are known on both ends": async (stage) => {
    const both = await pair(stage);

    assert.equal(both.near.wire.remotePort, both.door.address.port);
    assert.equal(both.near.wire.localPort, both.far.wire.remotePort);
    assert.equal(both.far.wire.remoteAddress, "127.0.0.1");
    assert.notEqual(both.door.address.port, 0);
    await shut(both);
  },

  "a FIN ends one direction only": async (stage) => {
    const both = await pair(stage);

    both.near.wire.write("question", "latin1");
    both.near.wire.end();
    await stage.until(() => both.far.heard.includes("end"));
    assert.equal(both.far.text, "question");
    assert.equal(both.far.wire.destroyed, false);
    both.far.wire.write("answer", "latin1");
    await stage.until(() => both.near.text === "answer");
    both.far.wire.end();
    await stage.until(() => both.near.wire.destroyed && both.far.wire.destroyed);
    await stage.quiet();

    assert.deepEqual(both.near.heard, ["connect", "end", "close"]);
    assert.deepEqual(both.far.heard, ["end", "close"]);
    await shut(both);
  },

  "a large body arrives whole and in order, with waits for drain": async (stage) => {
    const both = await pair(stage, { lentBytes: 16 * 1024 });
    const body = pattern(12 * 1024 * 1024);
    let at = 0;
    let waits = 0;
    const send = () => {
      while (at < body.length) {
        const end = Math.min(body.length, at + 100_000);
        const goOn = both.far.wire.write(body.subarray(at, end));
        at = end;
        if (goOn) continue;
        waits += 1;
        return;
      }
      both.far.wire.end();
    };
    both.far.wire.on("drain", send);
    both.near.wire.pause();

    send();
    await stage.quiet();
    assert.ok(waits >= 1, "a reader that has stopped stops the writer");
    assert.ok(both.far.wire.writableLength > 0);
    assert.equal(both.near.bytes, 0);
    both.near.wire.resume();
    await stage.until(() => both.near.heard.includes("end"));

    assert.ok(Buffer.concat(both.near.parts).equals(body));
    assert.equal(both.far.wire.writableLength, 0);
    await shut(both);
  },

  "a large body goes up whole and in order, through pauses": async (stage) => {
    const both = await pair(stage);
    const body = pattern(1024 * 1024);
    both.far.onBytes = ({ wire, parts }) => {
      if (parts.length % 3 !== 0) return;
      wire.pause();
      queueMicrotask(() => wire.resume());
    };

    both.near.wire.write(body);
    both.near.wire.end();
    await stage.until(() => both.far.heard.includes("end"));

    assert.ok(Buffer.concat(both.far.parts).equals(body));
    await shut(both);
  },

  "a wire with a reader asks for a buffer at birth and after every read": async (stage) => {
    const both = await pair(stage, { lentBytes: 8 });
    assert.equal(both.near.asked, 1);

    both.far.wire.write("x".repeat(20), "latin1");
    await stage.until(() => both.near.bytes === 20);

    assert.ok(both.near.parts.length >= 3);
    assert.equal(both.near.asked, both.near.parts.length + 1);
    await shut(both);
  },

  "a wire with a reader is paused inside read() and hears nothing, not even FIN": async (stage) => {
    const both = await pair(stage, { lentBytes: 8 });
    both.near.onBytes = ({ wire }) => wire.pause();

    both.far.wire.write("x".repeat(20), "latin1");
    both.far.wire.end();
    await stage.until(() => both.near.parts.length === 1);
    await stage.quiet();
    assert.equal(both.near.parts.length, 1);
    assert.deepEqual(both.near.heard, ["connect"]);
    both.near.onBytes = undefined;
    both.near.wire.resume();
    await stage.until(() => both.near.heard.includes("end"));

    assert.equal(both.near.bytes, 20);
    await shut(both);
  },

  "a wire with a reader that is paused learns of a reset when resumed": async (stage) => {
    const both = await pair(stage);
    both.near.wire.pause();

    both.far.wire.resetAndDestroy();
    await stage.quiet();
    assert.deepEqual(both.near.heard, ["connect"]);
    both.near.wire.resume();
    await stage.until(() => both.near.wire.destroyed);
    await stage.quiet();

    assert.deepEqual(both.near.heard, ["connect", "ECONNRESET", "close"]);
    await shut(both);
  },

  "an accepted wire that is paused learns of a reset when resumed at the latest": async (stage) => {
    const both = await pair(stage);
    both.far.wire.pause();

    both.near.wire.resetAndDestroy();
    await stage.quiet();
    both.far.wire.resume();
    await stage.until(() => both.far.wire.destroyed);
    await stage.quiet();

    assert.deepEqual(both.far.heard, ["ECONNRESET", "close"]);
    assert.deepEqual(both.near.heard, ["connect", "close"]);
    await shut(both);
  },

  "an accepted wire that is paused keeps bytes and the FIN behind them": async (stage) => {
    const both = await pair(stage);
    both.far.wire.pause();

    both.near.wire.write("bytes", "latin1");
    both.near.wire.end();
    await stage.quiet();
    assert.deepEqual([both.far.text, both.far.heard.length], ["", 0]);
    both.far.wire.resume();
    await stage.until(() => both.far.heard.includes("end"));

    assert.equal(both.far.text, "bytes");
    await shut(both);
  },

  "destroy() inside read() ends reading at once": async (stage) => {
    const both = await pair(stage, { lentBytes: 8 });
    both.near.onBytes = ({ wire }) => wire.destroy();

    both.far.wire.write("x".repeat(40), "latin1");
    await stage.until(() => both.near.heard.includes("close"));
    await stage.quiet();

    assert.equal(both.near.parts.length, 1);
    assert.deepEqual(both.near.heard, ["connect", "close"]);
    assert.equal(both.far.wire.destroyed, true);
    assert.deepEqual(both.far.heard, ["ECONNRESET", "close"]); // it left bytes unread
    await shut(both);
  },

  "destroy() with everything read looks like a FIN, and a write to it fails in the end": async (
    stage,
  ) => {
    const both = await pair(stage);

    both.near.wire.destroy();
    await stage.until(() => both.far.heard.includes("end"));
    assert.equal(both.far.wire.destroyed, false);
    both.far.wire.write("one", "latin1");
    await stage.quiet();
    both.far.wire.write("two", "latin1");
    await stage.until(() => both.far.wire.destroyed);
    await stage.quiet();

    assert.deepEqual(both.far.heard, ["end", "EPIPE", "close"]);
    await shut(both);
  },

  "a write after destroy() is dropped, a write after end() breaks the wire": async (stage) => {
    const both = await pair(stage);

    both.near.wire.destroy();
    both.near.wire.end();
    both.near.wire.resetAndDestroy();
    assert.equal(both.near.wire.write("x", "latin1"), false);
    both.far.wire.end();
    both.far.wire.end();
    assert.equal(both.far.wire.write("x", "latin1"), false);
    await stage.until(() => both.far.heard.includes("close"));
    await stage.quiet();

    assert.deepEqual(both.near.heard, ["connect", "close"]);
    assert.equal(both.far.heard[0], "ERR_STREAM_WRITE_AFTER_END");
    await shut(both);
  },

  "a port nobody listens on refuses, and takes no process down": async (stage) => {
    const door = await stage.network.listen({ host: "127.0.0.1", port: 0 }, () => {});
    await door[Symbol.asyncDispose]();
    const near = new Ear();

    stage.network.connect(door.address, new Ear()); // no handler of ours at all
    near.on(stage.network.connect(door.address, near), false);
    await stage.until(() => near.heard.includes("close"));

    assert.deepEqual(near.heard, ["ECONNREFUSED", "close"]);
    assert.equal(near.wire.destroyed, true);
  },

  "a name is resolved": async (stage) => {
    const far = new Ear();
    const door = await stage.network.listen({ host: "127.0.0.1", port: 0 }, (wire) => {
      far.on(wire, true);
    });
    const near = new Ear();

    const address = { host: "localhost", port: door.address.port };
    near.on(stage.network.connect(address, near), false);
    near.wire.write("by name", "latin1");
    await stage.until(() => far.text === "by name");

    await shut({ stage, near, far, door });
  },

  "a wire given up while connecting says close and nothing else": async (stage) => {
    const door = await stage.network.listen({ host: "127.0.0.1", port: 0 }, (wire) => {
      wire.resume();
      wire.on("end", () => wire.destroy());
    });
    const near = new Ear();

    near.on(stage.network.connect(door.address, near), false);
    near.wire.destroy();
    await stage.until(() => near.heard.length > 0);
    await stage.quiet();

    assert.deepEqual(near.heard, ["close"]);
    await door[Symbol.asyncDispose]();
  },

  "a reset asked for while connecting waits for the connection": async (stage) => {
    const far = new Ear();
    const door = await stage.network.listen({ host: "127.0.0.1", port: 0 }, (wire) => {
      far.on(wire, true);
    });
    const near = new Ear();

    near.on(stage.network.connect(door.address, near), false);
    near.wire.resetAndDestroy();
    await stage.until(() => near.heard.includes("close") && (far.wire?.destroyed ?? false));

    assert.deepEqual(near.heard, ["connect", "close"]);
    await shut({ stage, near, far, door });
  },

  "a shut door accepts nobody and leaves its wires alone": async (stage) => {
    const both = await pair(stage);

    await both.door[Symbol.asyncDispose]();
    await both.door[Symbol.asyncDispose](); // twice is fine
    const late = new Ear();
    late.on(stage.network.connect(both.door.address, late), false);
    await stage.until(() => late.heard.includes("close"));
    both.near.wire.write("still here", "latin1");
    await stage.until(() => both.far.text === "still here");

    assert.deepEqual(late.heard, ["ECONNREFUSED", "close"]);
    await shut(both);
  },

  "a port that is taken is refused with its name and a reason": async (stage) => {
    const door = await stage.network.listen({ host: "127.0.0.1", port: 0 }, () => {});

    const again = stage.network.listen(door.address, () => {});

    await assert.rejects(again, {
      code: "EADDRINUSE",
      message: `Cannot listen on 127.0.0.1:${door.address.port}: another process has this port (EADDRINUSE)`,
    });
    await door[Symbol.asyncDispose]();
  },

  "a door on every address takes whoever knocks": async (stage) => {
    const far = new Ear();
    const door = await stage.network.listen({ host: "0.0.0.0", port: 0 }, (wire) => {
      far.on(wire, true);
    });
    const near = new Ear();

    const address: Address = { host: "127.0.0.1", port: door.address.port };
    near.on(stage.network.connect(address, near), false);
    near.wire.write("hi", "latin1");
    await stage.until(() => far.text === "hi");

    await shut({ stage, near, far, door });
  },
};

for (const [promise, keep] of Object.entries(promises)) {
  test(`SystemNetwork: ${promise}`, () => keep(realStage()));
  for (const seed of [1, 2, 3]) {
    test(`SimNetwork, seed ${seed}: ${promise}`, () => keep(simStage(seed)()));
  }
}
