import type { Transform } from "node:stream";
import type { Codec, CodecTaker } from "./codec.ts";

/** Of node:zlib: a Transform that can be told to give out what it has. */
export interface ZlibStream extends Transform {
  flush(kind: number, callback: (error?: Error | null) => void): void;
}

/** How a stream is spoken to. */
export interface ZlibKinds {
  readonly flush: number; // what flush() takes for "let all of it come out"
  readonly finish?: number; // for "and end what was begun", where the stream can begin anew then
}

/** A codec of node:zlib. The work is done by the threads of libuv, a write at a time. */
export class ZlibCodec implements Codec {
  readonly #stream: ZlibStream;
  readonly #kinds: ZlibKinds;
  readonly #taker: CodecTaker;
  readonly #giveBack: ((stream: ZlibStream) => void) | undefined;
  readonly #onData: (bytes: Buffer) => void;
  readonly #onEnd: () => void;
  readonly #onError: (error: NodeJS.ErrnoException) => void;
  #isTaken: boolean; // what was written has gone through; some of what it gave may wait here
  #isFinishing: boolean;
  #isOver: boolean;

  /** `giveBack`: takes the stream when it can be used for another body, if `kinds` has a finish. */
  constructor(
    stream: ZlibStream,
    kinds: ZlibKinds,
    taker: CodecTaker,
    giveBack?: (stream: ZlibStream) => void,
  ) {
    this.#stream = stream;
    this.#kinds = kinds;
    this.#taker = taker;
    this.#giveBack = giveBack;
    this.#onData = (bytes) => this.#out(bytes);
    this.#onEnd = () => this.#end();
    this.#onError = (error) => this.#fail(error);
    this.#isTaken = false;
    this.#isFinishing = false;
    this.#isOver = false;
    stream.on("data", this.#onData);
    stream.on("end", this.#onEnd);
    stream.on("error", this.#onError);
  }

  write(bytes: Uint8Array, then: "more" | "flush" | "finish"): void {
    const { flush, finish } = this.#kinds;
    if (then === "more") this.#stream.write(bytes, this.#taken);
    else if (then === "flush") this.#push(bytes, flush);
    else if (finish !== undefined) {
      this.#isFinishing = true;
      this.#push(bytes, finish);
    } else if (bytes.length === 0) this.#stream.end();
    else this.#stream.end(bytes);
  }

  pause(): void {
    if (!this.#isOver) this.#stream.pause();
  }

  resume(): void {
    if (this.#isOver) return;
    this.#stream.resume();
    this.#tell();
  }

  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stream.destroy(); // waits for the write that is under way
  }

  #push(bytes: Uint8Array, kind: number): void {
    if (bytes.length > 0) this.#stream.write(bytes);
    this.#stream.flush(kind, this.#taken);
  }

  readonly #taken = (error?: Error | null): void => {
    if (error) return; // told as an event as well
    this.#isTaken = true;
    this.#tell();
  };

  #out(bytes: Buffer): void {
    if (this.#isOver) return;
    this.#taker.out(bytes);
    this.#tell();
  }

  #tell(): void {
    if (!this.#isTaken || this.#isOver || this.#stream.readableLength > 0) return;
    this.#isTaken = false;
    if (!this.#isFinishing) {
      this.#taker.took();
      return;
    }
    this.#isOver = true;
    this.#letGo();
    this.#taker.over();
  }

  #letGo(): void {
    const stream = this.#stream;
    stream.off("data", this.#onData);
    stream.off("end", this.#onEnd);
    stream.off("error", this.#onError);
    stream.resume(); // it may have been paused, and nothing is left in it
    this.#giveBack?.(stream);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#taker.over();
  }

  #fail(error: NodeJS.ErrnoException): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stream.destroy();
    this.#taker.failed(error.code ?? error.message);
  }
}
