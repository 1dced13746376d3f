import { isIP } from "node:net";
import { ListenError } from "../../src/base/listen-error.ts";
import type {
  Address,
  Clock,
  Door,
  Network,
  Random,
  Wire,
  WireReader,
} from "../../src/base/world.ts";
import { type SimNature, SimWire } from "./sim-wire.ts";

export interface SimNetworkOptions {
  readonly latencyMs?: number;
  readonly kernelBytes?: number;
  readonly splits?: boolean;
  readonly jitterMs?: number;
}

const EVERY_ADDRESS = new Set(["", "0.0.0.0", "::"]);

/**
 * A network in memory. It moves only when its clock does: what a test does at one instant arrives
 * after the latency, so a test advances the clock and then looks.
 */
export class SimNetwork implements Network {
  readonly #nature: SimNature;
  readonly #doors = new Map<string, (wire: Wire) => void>();
  readonly #blackholes = new Set<string>();
  readonly #names = new Map([["localhost", "127.0.0.1"]]);
  #nextPort = 40_000;

  constructor(clock: Clock, random: Random, options: SimNetworkOptions = {}) {
    const { latencyMs = 0.1, kernelBytes = 128 * 1024, splits = true, jitterMs = 0 } = options;
    this.#nature = { clock, random, latencyMs, kernelBytes, splits, jitterMs };
  }

  async listen(asked: Address, onWire: (wire: Wire) => void): Promise<Door> {
    const address = { host: asked.host, port: asked.port || this.#port(asked) };
    const key = keyOf(address);
    if (this.#doors.has(key)) {
      const cause = Object.assign(new Error("listen EADDRINUSE"), { code: "EADDRINUSE" });
      throw new ListenError(address, cause);
    }
    this.#doors.set(key, onWire);
    const doors = this.#doors;
    return {
      address,
      async [Symbol.asyncDispose]() {
        if (doors.get(key) === onWire) doors.delete(key);
      },
    };
  }

  connect(address: Address, reader: WireReader): Wire {
    return this.connectFrom("127.0.0.1", address, reader);
  }

  /** As connect(), from a client of another address. */
  connectFrom(clientHost: string, address: Address, reader: WireReader): Wire {
    const { clock, latencyMs } = this.#nature;
    const host = this.#resolve(address.host);
    const local = isPath(address) ? address : { host: clientHost, port: this.#nextPort++ };
    const remote = { host: host ?? address.host, port: address.port };
    const wire = new SimWire(this.#nature, local, remote, reader);
    clock.after(latencyMs, () => {
      if (host === undefined) wire.fail("ENOTFOUND", "getaddrinfo");
      else if (!wire.destroyed && !this.#blackholes.has(keyOf(remote)))
        this.#knock(wire, local, remote);
    });
    return wire;
  }

  /** From now on connects to this address get no answer at all; `answer` takes it back. */
  blackhole(address: Address): void {
    this.#blackholes.add(keyOf(address));
  }

  answer(address: Address): void {
    this.#blackholes.delete(keyOf(address));
  }

  /** Gives a name an address; an unknown name is not found. */
  name(name: string, host: string): void {
    this.#names.set(name, host);
  }

  #knock(wire: SimWire, local: Address, remote: Address): void {
    const { clock, latencyMs } = this.#nature;
    const onWire = this.#find(remote);
    if (onWire === undefined) {
      const code = isPath(remote) ? "ENOENT" : "ECONNREFUSED";
      clock.after(latencyMs, () => wire.fail(code, "connect"));
      return;
    }
    const accepted = new SimWire(this.#nature, remote, local);
    accepted.link(wire);
    clock.after(latencyMs, () => wire.opened()); // before anything that is sent in onWire arrives
    onWire(accepted);
  }

  #find(address: Address): ((wire: Wire) => void) | undefined {
    const exact = this.#doors.get(keyOf(address));
    if (exact !== undefined) return exact;
    for (const host of EVERY_ADDRESS) {
      const door = this.#doors.get(keyOf({ host, port: address.port }));
      if (door !== undefined) return door;
    }
    return undefined;
  }

  #resolve(host: string): string | undefined {
    return host.startsWith("/") || isIP(host) !== 0 ? host : this.#names.get(host);
  }

  #port(asked: Address): number {
    return isPath(asked) ? 0 : this.#nextPort++;
  }
}

function isPath(address: Address): boolean {
  return address.host.startsWith("/");
}

function keyOf(address: Address): string {
  return isPath(address) ? address.host : `${address.host} ${address.port}`;
}
