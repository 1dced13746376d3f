import { EventEmitter } from "node:events";
import type { Address, Clock, Random, Wire, WireReader } from "../../src/base/world.ts";

/** What a simulated network is like. */
export interface SimNature {
  readonly clock: Clock;
  readonly random: Random;
  readonly latencyMs: number; // one way
  readonly kernelBytes: number; // in flight and not yet read, per direction, before writes pend
  readonly splits: boolean; // cut and join what is sent, as networks do
  readonly jitterMs: number; // now and then something is late by up to this; what follows waits
}

const HIGH_WATER_BYTES = 65_536; // of a socket on Node 26: a write that leaves this much says false
const READ_BYTES_MAX = 65_536; // of one "data"
const RUBBISH = 0xdd;

/**
 * One end of a connection without a kernel. It does what a net.Socket was seen to do (the same
 * suite runs over both, network.test.ts), and the inconvenient things on purpose: it keeps the very
 * bytes that write() was given until they are taken, so that a buffer reused too early shows.
 */
export class SimWire extends EventEmitter implements Wire {
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  destroyed = false;
  writableLength = 0;

  readonly #nature: SimNature;
  readonly #reader: WireReader | undefined; // of the end that connected
  #peer: SimWire | undefined; // from the moment the other end exists
  #connecting: boolean;
  #resetOnConnect = false;

  readonly #unsent: Uint8Array[] = [];
  #unsentAt = 0; // in the first of them
  #room: number; // how much the kernels still take from us
  #ending = false;
  #finSent = false;
  #closesAfterFin = false;
  #drainOwed = false;
  #broken = false; // the peer's kernel has refused our bytes after its FIN
  #forgets = false; // a reset has overtaken what was in flight
  #lastArrivesMs = 0; // what was sent last reaches the peer then, and nothing sent later before

  readonly #unread: Uint8Array[] = [];
  #unreadBytes = 0;
  #lent: Uint8Array | undefined;
  #own: Uint8Array | undefined; // as readInto() has it
  readonly #shared = Buffer.alloc(READ_BYTES_MAX);
  #flowing: boolean | undefined;
  #finCame = false;
  #endTold = false;
  #resetCame = false;
  #delivering = false;

  constructor(nature: SimNature, local: Address, remote: Address, reader?: WireReader) {
    super();
    const [from, to] = [ipOnly(local), ipOnly(remote)];
    this.localAddress = from?.host;
    this.localPort = from?.port;
    this.remoteAddress = to?.host;
    this.remotePort = to?.port;
    this.#nature = nature;
    this.#reader = reader;
    this.#connecting = reader !== undefined;
    this.#room = nature.kernelBytes;
    this.#lent = reader?.buffer();
    super.on("error", () => undefined); // N1: as on every real socket
  }

  // ── what the network does ──

  /** The two ends know of each other; the one that connected hears of it later. */
  link(peer: SimWire): void {
    this.#peer = peer;
    peer.#peer = this;
  }

  opened(): void {
    if (this.destroyed) return;
    this.#connecting = false;
    this.emit("connect");
    if (this.#resetOnConnect) this.resetAndDestroy();
    else this.#pump();
  }

  fail(code: string, syscall: string): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.#unsent.length = 0;
    this.emit("error", Object.assign(new Error(`${syscall} ${code}`), { code, syscall }));
    this.emit("close", true);
  }

  // ── what the owner does ──

  write(chunk: Uint8Array | string, encoding?: "latin1"): boolean {
    if (this.destroyed) return false;
    if (this.#ending) {
      this.#soon(() => this.fail("ERR_STREAM_WRITE_AFTER_END", "write"));
      return false;
    }
    if (chunk.length === 0) return this.writableLength < HIGH_WATER_BYTES;
    this.#unsent.push(typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk);
    this.writableLength += chunk.length;
    this.#pump();
    const goOn = this.writableLength < HIGH_WATER_BYTES;
    if (!goOn) this.#drainOwed = true;
    return goOn;
  }

  end(): void {
    if (this.destroyed || this.#ending) return;
    this.#ending = true;
    this.#pump();
  }

  destroy(): void {
    if (this.destroyed) return;
    // A kernel that closes a socket with unread bytes says so with a reset.
    if (this.#unreadBytes > 0) this.#sendReset();
    else if (!this.#finSent) this.#sendFin();
    this.#close();
  }

  destroySoon(): void {
    if (this.destroyed) return;
    this.end();
    if (this.#finSent) this.#closeAfterFin();
    else this.#closesAfterFin = true;
  }

  resetAndDestroy(): void {
    if (this.destroyed) return;
    if (this.#connecting) {
      this.#resetOnConnect = true;
      return;
    }
    this.#sendReset();
    this.#close();
  }

  readInto(buffer: Uint8Array | undefined): void {
    this.#own = buffer;
  }

  lendTo(taker: (bytes: Buffer) => void): void {
    this.on("data", taker);
  }

  pause(): void {
    this.#flowing = false;
  }

  resume(): void {
    this.#flowing = true;
    this.#deliverSoon();
  }

  override on(event: string, fn: (...values: never[]) => void): this {
    super.on(event, fn as (...values: unknown[]) => void);
    if (event === "data" && this.#flowing !== false) this.resume();
    return this;
  }

  // ── sending ──

  #pump(): void {
    if (this.#connecting) return;
    if (this.#broken && this.#unsent.length > 0) {
      this.#soon(() => this.fail("EPIPE", "write"));
      return;
    }
    while (this.#unsent.length > 0 && this.#room > 0) this.#sendSome(this.#unsent[0]!);
    if (this.#unsent.length > 0) return;
    if (this.#drainOwed) this.#soon(() => this.#tellDrain());
    if (this.#ending && !this.#finSent) {
      this.#sendFin();
      if (this.#closesAfterFin) this.#closeAfterFin();
      else this.#closeIfOver();
    }
  }

  #sendSome(chunk: Uint8Array): void {
    const bytes = Math.min(this.#room, chunk.length - this.#unsentAt);
    const taken = Buffer.from(chunk.subarray(this.#unsentAt, this.#unsentAt + bytes)); // a copy
    this.#room -= bytes;
    this.#unsentAt += bytes;
    if (this.#unsentAt === chunk.length) {
      this.#unsent.shift();
      this.#unsentAt = 0;
      this.writableLength -= chunk.length; // as on Node: only when all of it is taken
    }
    const delayMs = this.#delayMs(); // cut into pieces, and yet on its way together
    for (let at = 0; at < taken.length; ) {
      const end = at + this.#somewhere(taken.length - at);
      const piece = taken.subarray(at, end);
      this.#later((peer) => peer.#arrive(piece), delayMs);
      at = end;
    }
  }

  #tellDrain(): void {
    if (!this.#drainOwed || this.destroyed || this.#ending || this.writableLength > 0) return;
    this.#drainOwed = false;
    this.emit("drain");
  }

  #sendFin(): void {
    this.#finSent = true;
    this.#later((peer) => peer.#finArrives());
  }

  #sendReset(): void {
    this.#forgets = this.#nature.splits && this.#nature.random.below(2) === 0;
    const delayMs = this.#forgets ? this.#nature.latencyMs : this.#delayMs();
    this.#nature.clock.after(delayMs, () => {
      if (this.#peer !== undefined) this.#peer.#resetArrives();
    });
  }

  // ── receiving ──

  #arrive(piece: Uint8Array): void {
    if (this.destroyed) {
      this.#sendReset(); // nobody is there to take it
      return;
    }
    this.#unread.push(piece);
    this.#unreadBytes += piece.length;
    this.#deliverSoon();
  }

  #finArrives(): void {
    this.#finCame = true;
    this.#deliverSoon();
  }

  #resetArrives(): void {
    if (this.#endTold) {
      this.#broken = true; // nobody reads any more: the next write finds out
      if (this.#unsent.length > 0) this.fail("EPIPE", "write");
      return;
    }
    this.#resetCame = true;
    this.#deliverSoon();
  }

  #deliverSoon(): void {
    if (this.#delivering || this.destroyed) return;
    this.#delivering = true;
    this.#soon(() => {
      this.#delivering = false;
      if (!this.destroyed) this.#deliver();
    });
  }

  #deliver(): void {
    const isReading = this.#reader === undefined ? this.#flowing === true : this.#flowing !== false;
    if (this.#unreadBytes > 0 && isReading) {
      this.#hand();
      this.#deliverSoon();
      return;
    }
    // A stream reads on into its own buffer while paused, so it hears what comes behind; a wire
    // with a reader hears nothing until it is resumed.
    const isListening = isReading || this.#reader === undefined;
    if (this.#resetCame && isListening && this.#unreadBytes < HIGH_WATER_BYTES) {
      this.fail("ECONNRESET", "read");
    } else if (this.#finCame && isListening && this.#unreadBytes === 0 && !this.#endTold) {
      this.#endTold = true;
      this.emit("end");
      this.#closeIfOver();
    }
  }

  #hand(): void {
    if (this.#reader === undefined) {
      // What is lent is gone when the handlers return: whoever kept it reads rubbish.
      const into = this.#own ?? this.#shared;
      this.emit("data", this.#take(into));
      if (into === this.#shared) into.fill(RUBBISH);
      return;
    }
    const buffer = this.#lent!;
    if (buffer.length === 0) throw new Error("a reader lent an empty buffer");
    const { length } = this.#take(buffer);
    this.#reader.read(length, buffer);
    this.#lent = this.#reader.buffer();
  }

  #take(into: Uint8Array): Uint8Array {
    let bytes = Math.min(this.#unreadBytes, into.length);
    if (this.#nature.random.below(4) === 0) bytes = this.#somewhere(bytes);
    let at = 0;
    let from = 0;
    while (at < bytes) {
      const piece = this.#unread[from]!;
      const part = piece.subarray(0, bytes - at);
      into.set(part, at);
      at += part.length;
      if (part.length === piece.length) from++;
      else this.#unread[from] = piece.subarray(part.length);
    }
    this.#unread.splice(0, from); // once: there may be thousands of them
    this.#unreadBytes -= bytes;
    this.#later((peer) => peer.#roomAgain(bytes));
    return into.subarray(0, bytes);
  }

  #roomAgain(bytes: number): void {
    this.#room += bytes;
    if (!this.destroyed) this.#pump();
  }

  // ── ending ──

  #closeIfOver(): void {
    if (this.#finSent && this.#endTold && !this.destroyed) this.#close();
  }

  /** With unread bytes a reset follows the FIN, as from a kernel. */
  #closeAfterFin(): void {
    if (this.#unreadBytes > 0 && !this.destroyed) this.#sendReset();
    this.#close();
  }

  #close(): void {
    if (this.destroyed) return; // end() may have closed already: "close" is told once
    this.destroyed = true;
    this.#unsent.length = 0;
    this.writableLength = 0;
    this.#soon(() => this.emit("close", false));
  }

  #soon(act: () => void): void {
    this.#nature.clock.after(0, act);
  }

  /** Across the network, in order; lost if a reset of ours overtakes it. */
  #later(act: (peer: SimWire) => void, delayMs: number = this.#delayMs()): void {
    this.#nature.clock.after(delayMs, () => {
      if (!this.#forgets && this.#peer !== undefined) act(this.#peer);
    });
  }

  #delayMs(): number {
    const { clock, random, latencyMs, jitterMs } = this.#nature;
    if (jitterMs === 0) return latencyMs;
    const nowMs = clock.nowMs();
    const lateMs = random.below(8) === 0 ? random.below(jitterMs) : 0;
    let delayMs = Math.max(latencyMs + lateMs, this.#lastArrivesMs - nowMs);
    while (nowMs + delayMs < this.#lastArrivesMs) delayMs += 1e-6; // the sum was rounded down
    this.#lastArrivesMs = nowMs + delayMs;
    return delayMs;
  }

  #somewhere(bytes: number): number {
    const { splits, random } = this.#nature;
    return splits && random.below(2) === 0 ? 1 + random.below(bytes) : bytes;
  }
}

function ipOnly(address: Address): Address | undefined {
  return address.host.startsWith("/") ? undefined : address;
}
