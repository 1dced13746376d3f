import { writeLatin1 } from "../base/latin1.ts";
import type { TimerWheel } from "../base/timer-wheel.ts";
import type { Wire } from "../base/world.ts";
import type { Rates } from "../core/limits.ts";
import { encodeChunk, encodeEnd } from "../protocol/h1/chunked-encoder.ts";
import type { HeaderList } from "../protocol/http/header-list.ts";
import { Progress } from "./progress.ts";
import { trailerLines } from "./trailer-lines.ts";
import { heldBy } from "./wire-peer.ts";

const COPY_BYTES_MAX = 16 * 1024; // a body piece up to this size leaves in one write with the head
const SCRATCH_BYTES = COPY_BYTES_MAX + 4 * 1024;

// Where head and body are put together: one place for all writers, which stays in the processor's
// cache. What the system has not taken at once belongs to the wire, and the next one is another.
let scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);

/**
 * Writes HTTP/1 messages to a wire, one after the other, in as few writes as can be: the head
 * waits for the first bytes of the body, a chunk for the end of the body or for flush().
 */
export class MessageWriter {
  readonly #wire: Wire;
  readonly #wheel: TimerWheel;
  readonly #onStall: () => void;
  #head: string; // not written yet
  #chunk: Buffer | undefined; // not written yet
  #isChunked: boolean;
  #isFull: boolean; // the wire asked us to hold on
  #takesAtOnce: boolean; // the wire always did so far
  #idleMs: number;
  #rates: Rates | undefined;
  #progress: Progress | undefined; // from the first time that the wire was full

  /** `onStall`: the peer takes nothing, or too little. */
  constructor(wire: Wire, wheel: TimerWheel, onStall: () => void) {
    this.#wire = wire;
    this.#wheel = wheel;
    this.#onStall = onStall;
    this.#head = "";
    this.#chunk = undefined;
    this.#isChunked = false;
    this.#isFull = false;
    this.#takesAtOnce = true;
    this.#idleMs = Number.POSITIVE_INFINITY;
    this.#rates = undefined;
    this.#progress = undefined;
  }

  begin(head: string, isChunked: boolean, idleMs: number, rates: Rates | undefined): void {
    this.stop();
    this.#head = head;
    this.#isChunked = isChunked;
    this.#idleMs = idleMs;
    this.#rates = rates;
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  /** Bytes of the body, never none. False: hold on until the wire has drained. */
  write(bytes: Buffer): boolean {
    if (this.#isChunked) {
      this.#flushChunk();
      this.#chunk = encodeChunk(bytes);
    } else {
      this.#send(bytes);
    }
    return !this.#isFull;
  }

  flush(): void {
    this.#flushChunk();
    if (this.#head !== "") this.#sendText("");
  }

  end(trailers: HeaderList | undefined): void {
    if (this.#isChunked) this.#sendEnd(encodeEnd(trailers && trailerLines(trailers)));
    else this.flush();
  }

  drained(): void {
    this.#isFull = false;
    this.#progress?.hold();
  }

  /** Nothing more will be written, or all of it has been. */
  stop(): void {
    this.#progress?.stop();
    this.#progress = undefined;
    this.#chunk = undefined;
    this.#head = "";
  }

  #flushChunk(): void {
    const chunk = this.#chunk;
    if (chunk === undefined) return;
    this.#chunk = undefined;
    this.#send(chunk);
  }

  #sendEnd(text: string): void {
    const chunk = this.#chunk;
    if (chunk === undefined) {
      this.#sendText(text);
      return;
    }
    this.#chunk = undefined;
    if (chunk.length > COPY_BYTES_MAX) {
      this.#send(chunk);
      this.#sendText(text);
      return;
    }
    const head = this.#head;
    this.#head = "";
    this.#sendTogether(head, chunk, text);
  }

  /** Bytes, behind the head if that has not left: small ones in one write, large ones uncopied. */
  #send(bytes: Buffer): void {
    const head = this.#head;
    this.#head = "";
    if (head === "") {
      this.#sent(this.#wire.write(bytes), bytes.length);
    } else if (bytes.length > COPY_BYTES_MAX) {
      this.#wire.write(head, "latin1");
      this.#sent(this.#wire.write(bytes), bytes.length);
    } else {
      this.#sendTogether(head, bytes, "");
    }
  }

  #sendTogether(head: string, bytes: Buffer, text: string): void {
    const textAt = head.length + bytes.length;
    const end = textAt + text.length;
    const isShared = this.#takesAtOnce && end <= SCRATCH_BYTES;
    const whole = isShared ? scratch.subarray(0, end) : Buffer.allocUnsafe(end);
    writeLatin1(whole, head, 0);
    whole.set(bytes, head.length);
    if (text !== "") writeLatin1(whole, text, textAt);
    const mayGoOn = this.#wire.write(whole);
    if (isShared && heldBy(this.#wire) > 0) {
      this.#takesAtOnce = false;
      scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
    }
    this.#sent(mayGoOn, end - head.length);
  }

  #sendText(text: string): void {
    const head = this.#head;
    this.#head = "";
    this.#sent(this.#wire.write(head + text, "latin1"), text.length);
  }

  #sent(mayGoOn: boolean, bytes: number): void {
    this.#progress?.moved(bytes);
    if (mayGoOn || this.#isFull) return;
    this.#isFull = true;
    if (this.#progress === undefined) {
      this.#progress = new Progress(this.#wheel, this.#onStall);
      this.#progress.start(this.#idleMs, this.#rates);
    } else {
      this.#progress.release();
    }
  }
}
