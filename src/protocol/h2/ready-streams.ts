import type { Stream } from "./stream.ts";

/** The streams that have something to send, in the order in which they take turns. */
export class ReadyStreams {
  #first: Stream | undefined;
  #last: Stream | undefined;

  constructor() {
    this.#first = undefined;
    this.#last = undefined;
  }

  get isEmpty(): boolean {
    return this.#first === undefined;
  }

  /** At the end of the queue, unless it is in it. */
  push(stream: Stream): void {
    if (stream.isReady) return;
    stream.isReady = true;
    if (this.#last === undefined) this.#first = stream;
    else this.#last.next = stream;
    this.#last = stream;
  }

  shift(): Stream | undefined {
    const stream = this.#first;
    if (stream === undefined) return undefined;
    this.#first = stream.next;
    if (this.#first === undefined) this.#last = undefined;
    stream.next = undefined;
    stream.isReady = false;
    return stream;
  }
}
