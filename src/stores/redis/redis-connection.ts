import type { Clock, Network, Timer, Wire, WireReader } from "../../base/world.ts";
import { commandBytes, RedisFailure, type Reply } from "../../protocol/redis/reply.ts";
import { ReplyReader } from "../../protocol/redis/reply-reader.ts";
import type { RedisSettings } from "./redis-settings.ts";

/** What a connection tells whoever has it. */
export interface RedisOwner {
  /** It is greeted and may be asked. */
  greeted(): void;
  /** It is of no use any more; everything that was asked of it has had its answer, undefined. */
  lost(why: string, wasUp: boolean): void;
}

interface Call {
  readonly answered: (reply: Reply) => void;
  readonly dueMs: number;
}

const READ_BYTES = 16 * 1024;
const GREETING_MS = 2_000; // to connect, to secure it and to say who we are
const CALLS_MAX = 4_096; // asked and not answered; beyond it nobody is asked

/**
 * One connection to a server: commands go out one after the other without waiting, answers come in the
 * same order. An answer that is late, malformed or unasked for ends the connection, since there is no
 * telling what the next one would answer.
 *
 *     connecting → greeting → up
 *          └──────────┴────────┴──→ over
 */
export class RedisConnection implements WireReader {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #owner: RedisOwner;
  readonly #reader: ReplyReader;
  readonly #buffer: Buffer;
  #wire: Wire | undefined;
  #stage: "connecting" | "greeting" | "up" | "over";
  #greetings: number; // still to be answered
  #calls: Call[];
  #first: number; // of the calls that wait
  #out: string; // not written yet
  #isFlushing: boolean;
  #timer: Timer | undefined;
  #isLate: boolean; // the oldest call was when the timer looked last

  constructor(clock: Clock, settings: RedisSettings, owner: RedisOwner) {
    this.#clock = clock;
    this.#timeoutMs = settings.timeoutMs;
    this.#owner = owner;
    this.#reader = new ReplyReader((reply) => this.#answer(reply));
    this.#buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    this.#wire = undefined;
    this.#stage = "connecting";
    this.#greetings = 0;
    this.#calls = [];
    this.#first = 0;
    this.#out = "";
    this.#isFlushing = false;
    this.#timer = undefined;
    this.#isLate = false;
  }

  /** Not in the constructor: the network may ask for a buffer at once. */
  begin(network: Network, settings: RedisSettings, greeting: readonly (readonly string[])[]): void {
    const { address, tls } = settings;
    const wire = network.connect(address, this, tls);
    this.#wire = wire;
    let why = "closed";
    wire.on("error", (error) => {
      why = error.code ?? "error";
    });
    wire.on(tls === undefined ? "connect" : "secureConnect", () => this.#connected());
    wire.on("end", () => this.end("closed"));
    wire.on("close", () => this.end(why));
    this.#greetings = greeting.length;
    for (const words of greeting) this.#send(words, GREETING_MS, (reply) => this.#greeted(reply));
  }

  /** False: it is not up, or too much is asked already. */
  call(words: readonly string[], answered: (reply: Reply) => void): boolean {
    if (this.#stage !== "up" || this.#calls.length - this.#first >= CALLS_MAX) return false;
    this.#send(words, this.#timeoutMs, answered);
    return true;
  }

  end(why: string): void {
    if (this.#stage === "over") return;
    const wasUp = this.#stage === "up";
    this.#stage = "over";
    this.#timer?.cancel();
    this.#wire?.destroy();
    const calls = this.#calls.slice(this.#first);
    this.#calls = [];
    this.#first = 0;
    // The owner first: who is told may ask again at once.
    this.#owner.lost(why, wasUp);
    for (const { answered } of calls) answered(undefined);
  }

  buffer(): Uint8Array {
    return this.#buffer;
  }

  read(count: number): void {
    if (this.#stage === "over") return;
    if (!this.#reader.feed(this.#buffer.subarray(0, count))) this.end("malformed reply");
  }

  #connected(): void {
    if (this.#stage !== "connecting") return;
    this.#stage = "greeting";
    this.#flush();
  }

  #greeted(reply: Reply): void {
    if (reply instanceof RedisFailure) {
      this.end(`${reply.code} on greeting`);
      return;
    }
    if (this.#stage === "over" || --this.#greetings > 0) return;
    this.#stage = "up";
    this.#timer?.cancel(); // it had more time for that
    this.#timer = undefined;
    this.#owner.greeted();
  }

  #send(words: readonly string[], withinMs: number, answered: (reply: Reply) => void): void {
    this.#calls.push({ answered, dueMs: this.#clock.nowMs() + withinMs });
    this.#out += commandBytes(words);
    this.#timer ??= this.#clock.after(withinMs, () => this.#look());
    if (this.#isFlushing || this.#stage === "connecting") return;
    // What one read of a client brings goes out in one write.
    this.#isFlushing = true;
    queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    this.#isFlushing = false;
    const text = this.#out;
    this.#out = "";
    if (text !== "" && this.#stage !== "over") this.#wire!.write(text, "latin1");
  }

  #answer(reply: Reply): void {
    if (this.#stage === "over") return;
    const call = this.#calls[this.#first];
    if (call === undefined) {
      this.end("unasked reply");
      return;
    }
    this.#first++;
    this.#isLate = false;
    if (this.#first === this.#calls.length || this.#first >= CALLS_MAX) {
      this.#calls = this.#calls.slice(this.#first);
      this.#first = 0;
    }
    call.answered(reply);
  }

  /** One timer for all: the oldest is due first. */
  #look(): void {
    this.#timer = undefined;
    const oldest = this.#calls[this.#first];
    if (this.#stage === "over" || oldest === undefined) return;
    const leftMs = oldest.dueMs - this.#clock.nowMs();
    if (leftMs <= 0 && this.#isLate) {
      this.end("timeout");
      return;
    }
    // After a pause of our own, timers come before what lies in the socket: that is read first.
    this.#isLate = leftMs <= 0;
    this.#timer = this.#clock.after(Math.max(leftMs, 1), () => this.#look());
  }
}
