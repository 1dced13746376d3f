import { isIP } from "node:net";
import type {
  Address,
  DatagramDoor,
  DatagramReader,
  DatagramTaker,
  DatagramWire,
  Door,
  Network,
  TlsClient,
  Wire,
  WireReader,
  World,
} from "../base/world.ts";
import type { Directory } from "../core/directory.ts";
import { RacedWire, unresolved } from "./raced-wire.ts";

// RFC 8305 §4 speaks of "on the order of 10 minutes".
const REMEMBERED_MS = 600_000;
const REMEMBERED_MAX = 10_000; // names come from configs and operators, but those change

interface Winner {
  readonly host: string;
  readonly untilMs: number;
}

/**
 * A network that knows names by the directory alone: to connect asks nobody, and a name that is not
 * known there fails at once. Where a name has several addresses they race, the one that won last
 * time first.
 */
export class NamedNetwork implements Network {
  readonly #world: Pick<World, "clock" | "random" | "network">;
  readonly #directory: Directory;
  readonly #winners: Map<string, Winner>; // by host and port

  constructor(world: Pick<World, "clock" | "random" | "network">, directory: Directory) {
    this.#world = world;
    this.#directory = directory;
    this.#winners = new Map();
  }

  listen(address: Address, onWire: (wire: Wire) => void, holds?: boolean): Promise<Door> {
    return this.#world.network.listen(address, onWire, holds);
  }

  connect(address: Address, reader: WireReader, tls?: TlsClient): Wire {
    const { host, port } = address;
    if (host.startsWith("/") || isIP(host) !== 0) {
      return this.#world.network.connect(address, reader, tls);
    }
    const found = this.#directory.find("name", host);
    const hosts = found?.hosts ?? [];
    const { clock, network } = this.#world;
    if (hosts.length === 1) return network.connect({ host: hosts[0]!, port }, reader, tls);
    return new RacedWire(this.#order(hosts, `${host} ${port}`), {
      clock,
      connect: (each) => network.connect({ host: each, port }, reader, tls),
      why: found?.why ?? "ENOTFOUND",
      won: (winner) => this.#remember(`${host} ${port}`, winner),
    });
  }

  bindDatagrams(address: Address, taker: DatagramTaker): Promise<DatagramDoor> {
    return this.#world.network.bindDatagrams(address, taker);
  }

  /** Datagrams do not race: there is no telling who would answer. One address, by chance. */
  connectDatagrams(address: Address, reader: DatagramReader): DatagramWire {
    const { host, port } = address;
    const { clock, network, random } = this.#world;
    if (isIP(host) !== 0) return network.connectDatagrams(address, reader);
    const found = this.#directory.find("name", host);
    const hosts = found?.hosts ?? [];
    const chosen = hosts[hosts.length > 1 ? random.below(hosts.length) : 0];
    if (chosen !== undefined) return network.connectDatagrams({ host: chosen, port }, reader);
    const lost = clock.after(0, () => reader.failed(unresolved(found?.why ?? "")));
    return { send: () => {}, destroy: () => lost.cancel() };
  }

  /** RFC 8305 §4: the families in turn, IPv6 first; within one by chance, so that all are used. */
  #order(hosts: readonly string[], key: string): string[] {
    const v6 = this.#turned(hosts.filter((host) => host.includes(":")));
    const v4 = this.#turned(hosts.filter((host) => !host.includes(":")));
    const order: string[] = [];
    for (let index = 0; index < Math.max(v4.length, v6.length); index++) {
      const pair = [v6[index], v4[index]].filter((host) => host !== undefined);
      order.push(...pair);
    }
    const winner = this.#winners.get(key);
    if (winner === undefined || !order.includes(winner.host)) return order;
    if (winner.untilMs <= this.#world.clock.nowMs()) return order;
    return [winner.host, ...order.filter((host) => host !== winner.host)];
  }

  #turned(hosts: readonly string[]): string[] {
    if (hosts.length < 2) return [...hosts];
    const first = this.#world.random.below(hosts.length);
    return [...hosts.slice(first), ...hosts.slice(0, first)];
  }

  /** Not for longer because it is used: what was slow once gets another chance. */
  #remember(key: string, host: string): void {
    const nowMs = this.#world.clock.nowMs();
    const known = this.#winners.get(key);
    if (known?.host === host && known.untilMs > nowMs) return;
    if (this.#winners.size >= REMEMBERED_MAX) this.#winners.clear();
    this.#winners.set(key, { host, untilMs: nowMs + REMEMBERED_MS });
  }
}
