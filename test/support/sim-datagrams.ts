import { ListenError } from "../../src/base/listen-error.ts";
import type {
  Address,
  Clock,
  DatagramDoor,
  DatagramReader,
  DatagramTaker,
  DatagramWire,
} from "../../src/base/world.ts";

type Receive = (bytes: Uint8Array, from: Address) => void;

/**
 * Datagrams in memory: each arrives whole after the latency, or a refusal comes back where nobody
 * is bound. A socket that connected hears of its own peer alone.
 */
export class SimDatagrams {
  readonly #clock: Clock;
  readonly #latencyMs: number;
  readonly #resolve: (host: string) => string | undefined;
  readonly #bound = new Map<string, Receive>();
  readonly #refused = new Map<string, (from: Address) => void>();
  #nextPort = 50_000;

  constructor(clock: Clock, latencyMs: number, resolve: (host: string) => string | undefined) {
    this.#clock = clock;
    this.#latencyMs = latencyMs;
    this.#resolve = resolve;
  }

  get openCount(): number {
    return this.#bound.size;
  }

  async bind(asked: Address, taker: DatagramTaker): Promise<DatagramDoor> {
    const address = { host: asked.host, port: asked.port || this.#nextPort++ };
    const key = keyOf(address);
    if (this.#bound.has(key)) {
      const cause = Object.assign(new Error("bind EADDRINUSE"), { code: "EADDRINUSE" });
      throw new ListenError(address, cause);
    }
    this.#bound.set(key, (bytes, from) => taker.received(bytes, from));
    return {
      address,
      send: (bytes, to) => this.#send(bytes, address, to),
      [Symbol.asyncDispose]: async () => {
        this.#bound.delete(key);
      },
    };
  }

  connect(asked: Address, reader: DatagramReader, localHost: string): DatagramWire {
    const local = { host: localHost, port: this.#nextPort++ };
    const key = keyOf(local);
    const host = this.#resolve(asked.host);
    const remote = { host: host ?? asked.host, port: asked.port };
    const shut = () => {
      this.#refused.delete(key);
      return this.#bound.delete(key);
    };
    const fail = (code: string) => {
      if (shut()) reader.failed(Object.assign(new Error(code), { code }));
    };
    this.#bound.set(key, (bytes, from) => {
      if (keyOf(from) === keyOf(remote)) reader.received(bytes);
    });
    this.#refused.set(key, (from) => {
      if (keyOf(from) === keyOf(remote)) fail("ECONNREFUSED");
    });
    if (host === undefined) this.#clock.after(this.#latencyMs, () => fail("ENOTFOUND"));
    return {
      send: (bytes) => {
        if (this.#bound.has(key) && host !== undefined) this.#send(bytes, local, remote);
      },
      destroy: shut,
    };
  }

  #send(bytes: Uint8Array, from: Address, to: Address): void {
    const taken = Buffer.from(bytes);
    this.#clock.after(this.#latencyMs, () => {
      const receive = this.#bound.get(keyOf(to));
      if (receive !== undefined) receive(taken, from);
      else this.#clock.after(this.#latencyMs, () => this.#refused.get(keyOf(from))?.(to));
    });
  }
}

function keyOf({ host, port }: Address): string {
  return `${host} ${port}`;
}
