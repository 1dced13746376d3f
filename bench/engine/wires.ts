/** Wires that end in memory: what the engine writes to them is counted, and costs nothing. */
import type { Address, Door, Network, Wire, WireReader } from "../../src/base/world.ts";

type Listener = (argument: never) => void;

/** What both kinds have in common. */
abstract class MemoryWire {
  readonly destroyed = false;
  readonly writableLength = 0;
  readonly remoteAddress = "127.0.0.1";
  readonly remotePort = 40_000;
  readonly localAddress = "127.0.0.1";
  readonly localPort = 80;
  readonly #listeners: Map<string, Listener[]> = new Map();
  writes = 0;
  writtenBytes = 0;

  on(event: string, fn: Listener): this {
    const known = this.#listeners.get(event);
    if (known === undefined) this.#listeners.set(event, [fn]);
    else known.push(fn);
    return this;
  }

  off(event: string, fn: Listener): this {
    const left = (this.#listeners.get(event) ?? []).filter((each) => each !== fn);
    this.#listeners.set(event, left);
    return this;
  }

  protected emit(event: string, argument: unknown): void {
    for (const fn of this.#listeners.get(event) ?? []) fn(argument as never);
  }

  protected listenerOf(event: string): (argument: unknown) => void {
    return this.#listeners.get(event)![0]! as (argument: unknown) => void;
  }

  write(bytes: Uint8Array | string): boolean {
    this.writes++;
    this.writtenBytes += bytes.length;
    return true;
  }

  end(): void {}
  destroy(): void {
    this.emit("close", undefined);
  }
  destroySoon(): void {
    this.destroy();
  }
  resetAndDestroy(): void {
    this.destroy();
  }
  pause(): void {}
  resume(): void {}
}

/** A client's: lends what it reads, as accepted sockets do. */
export class ClientWire extends MemoryWire {
  #data: ((bytes: unknown) => void) | undefined;

  readInto(): void {}

  send(bytes: Buffer): void {
    this.#data ??= this.listenerOf("data");
    this.#data(bytes);
  }

  hangUp(): void {
    this.emit("end", undefined);
  }
}

/** An endpoint's, to which a request was written. */
export class EndpointWire extends MemoryWire {
  readonly #reader: WireReader;
  readonly #asked: EndpointWire[];
  #buffer: Uint8Array;

  constructor(reader: WireReader, asked: EndpointWire[]) {
    super();
    this.#reader = reader;
    this.#asked = asked;
    this.#buffer = reader.buffer();
  }

  connect(): void {
    this.emit("connect", undefined);
  }

  override write(bytes: Uint8Array | string): boolean {
    this.#asked.push(this);
    return super.write(bytes);
  }

  answer(bytes: Uint8Array): void {
    this.#buffer.set(bytes);
    this.#reader.read(bytes.length, this.#buffer);
    this.#buffer = this.#reader.buffer();
  }
}

export class MemoryNetwork implements Network {
  readonly asked: EndpointWire[] = [];
  readonly connecting: EndpointWire[] = [];
  #onWire: ((wire: Wire) => void) | undefined;

  async listen(address: Address, onWire: (wire: Wire) => void): Promise<Door> {
    this.#onWire = onWire;
    return { address, async [Symbol.asyncDispose]() {} };
  }

  client(): ClientWire {
    const wire = new ClientWire();
    this.#onWire!(wire as unknown as Wire);
    return wire;
  }

  connect(_address: Address, reader: WireReader): Wire {
    const wire = new EndpointWire(reader, this.asked);
    this.connecting.push(wire);
    return wire as unknown as Wire;
  }

  bindDatagrams(): never {
    throw new Error("Cannot bind: there are no datagrams here");
  }

  connectDatagrams(): never {
    throw new Error("Cannot connect: there are no datagrams here");
  }
}
