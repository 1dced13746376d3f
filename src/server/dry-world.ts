/**
 * A world that opens nothing: time stands still, no socket is bound or connected, nothing is
 * logged. What the engine writes to a wire is kept, to be looked at.
 */
import { EventEmitter } from "node:events";
import { SeededRandom } from "../base/seeded-random.ts";
import type {
  Address,
  Clock,
  DatagramDoor,
  DatagramWire,
  Door,
  Log,
  NameAnswer,
  Names,
  Network,
  Random,
  Web,
  Wire,
  World,
} from "../base/world.ts";

const SEED = 1; // the same question gets the same answer

export class DryWorld implements World {
  readonly clock: Clock = new StillClock();
  readonly random: Random = new SeededRandom(SEED);
  readonly network: DryNetwork = new DryNetwork();
  readonly names: Names = { addresses: notAsked, services: notAsked, texts: notAsked };
  readonly web: Web = { ask: () => Promise.reject(new Error("nobody is asked")) };
  readonly log: Log = { info: () => {}, warn: () => {} };
}

async function notAsked(): Promise<NameAnswer<never>> {
  return { kind: "failed", why: "nobody is asked" };
}

/** Time enough for a time that is not 0, which stands for "did not happen". */
const STILL_MS = 1;

class StillClock implements Clock {
  wallMs(): number {
    return STILL_MS;
  }

  nowMs(): number {
    return STILL_MS;
  }

  after(): { cancel(): void } {
    return { cancel: () => {} }; // that time does not come
  }
}

/** Hands out wires that lead nowhere; they connect when they are told to. */
export class DryNetwork implements Network {
  readonly connecting: DryWire[] = [];

  async listen(address: Address): Promise<Door> {
    return { address, [Symbol.asyncDispose]: async () => {} };
  }

  connect(): Wire {
    const wire = new DryWire();
    this.connecting.push(wire);
    return wire;
  }

  async bindDatagrams(address: Address): Promise<DatagramDoor> {
    return { address, send: () => {}, [Symbol.asyncDispose]: async () => {} };
  }

  connectDatagrams(): DatagramWire {
    return { send: () => {}, destroy: () => {} };
  }
}

/** Where the client of a wire is, and what it is connected to. */
export interface DryEnds {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

export class DryWire extends EventEmitter implements Wire {
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly writableLength = 0;
  readonly #written: Buffer[];
  destroyed: boolean;

  constructor(ends: DryEnds = {}) {
    super();
    this.remoteAddress = ends.remoteAddress;
    this.remotePort = ends.remotePort;
    this.#written = [];
    this.destroyed = false;
  }

  /** All that was written. */
  get bytes(): Buffer {
    return Buffer.concat(this.#written);
  }

  get hasBytes(): boolean {
    return this.#written.length > 0;
  }

  write(bytes: Uint8Array | string, encoding?: "latin1"): boolean {
    this.#written.push(
      typeof bytes === "string" ? Buffer.from(bytes, encoding) : Buffer.from(bytes),
    );
    return true;
  }

  end(): void {}

  destroy(): void {
    this.destroyed = true;
  }

  destroySoon(): void {
    this.destroyed = true;
  }

  resetAndDestroy(): void {
    this.destroyed = true;
  }

  pause(): void {}

  resume(): void {}
}
