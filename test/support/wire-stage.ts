// What the suites over wires share: a place to run in, and an ear at each end of a connection.
import assert from "node:assert/strict";
import { test } from "node:test";
import { realWorld } from "../../src/base/real-world.ts";
import type { Door, Network, Wire, WireReader } from "../../src/base/world.ts";
import { SimWorld } from "./sim-world.ts";

export interface Stage {
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
export class Ear implements WireReader {
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

  /** To what was accepted, "data" tells, or lendTo() if it `takes`; to what connected, read(). */
  on(wire: Wire, readsData: boolean, takes = false): this {
    this.wire = wire;
    if (takes) wire.lendTo!((bytes) => this.#take(bytes));
    else if (readsData) wire.on("data", (bytes) => this.#take(bytes));
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

export interface Pair {
  readonly stage: Stage;
  readonly near: Ear; // connected
  readonly far: Ear; // accepted
  readonly door: Door;
}

export async function pair(
  stage: Stage,
  { lentBytes = 1024, takes = false, onWire = (_wire: Wire) => {} } = {},
): Promise<Pair> {
  const far = new Ear();
  const door = await stage.network.listen({ host: "127.0.0.1", port: 0 }, (wire) => {
    far.on(wire, true, takes);
    onWire(wire);
  });
  const near = new Ear(lentBytes);
  near.on(stage.network.connect(door.address, near), false);
  await stage.until(() => far.wire !== undefined && near.heard.includes("connect"));
  return { stage, near, far, door };
}

export async function shut({ near, far, door }: Pair): Promise<void> {
  near.wire.destroy();
  far.wire.destroy();
  await door[Symbol.asyncDispose]();
}

export type Promised = (stage: Stage) => Promise<void>;

/** Each promise, over the system's network and over the simulated one with several seeds. */
export function keepPromises(promises: Readonly<Record<string, Promised>>): void {
  for (const [promise, keep] of Object.entries(promises)) {
    test(`SystemNetwork: ${promise}`, () => keep(realStage()));
    for (const seed of [1, 2, 3]) {
      test(`SimNetwork, seed ${seed}: ${promise}`, () => keep(simStage(seed)()));
    }
  }
}
