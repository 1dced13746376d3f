import type { Stream } from "./stream.ts";

const RESETS_LEAST = 256;
const RESETS_MOST = 20_000;
const ID_MAX = 0x7fffffff;

/** Where a stream is that the table does not have. */
export type Elsewhere =
  | "new" // the peer may open it
  | "idle" // nobody has opened it
  | "reset" // by us, lately
  | "closed";

/** The streams of one connection, and what became of those that are over. */
export class StreamTable {
  readonly #peersParity: 0 | 1; // clients open odd streams (RFC 9113 §5.1.1)
  readonly #open: Map<number, Stream>;
  lastPeerId: number; // the highest that the peer opened
  nextOwnId: number;
  acceptedId: number; // streams of the peer above it are not served
  // What the peer sent before it knew that we had reset a stream is no mistake of its own: such frames
  // are ignored, and those on other streams that are over are an error (§5.1).
  #resetIds: Int32Array | undefined; // a ring; most connections need none
  readonly #resetsMax: number;
  #nextReset: number;

  constructor(role: "server" | "client", streamsMax: number) {
    this.#peersParity = role === "server" ? 1 : 0;
    this.#open = new Map();
    this.lastPeerId = 0;
    this.nextOwnId = 1;
    this.acceptedId = ID_MAX;
    this.#resetIds = undefined;
    // More than may be open at once: all of them may be reset in one go.
    this.#resetsMax = Math.max(RESETS_LEAST, Math.min(2 * streamsMax, RESETS_MOST));
    this.#nextReset = 0;
  }

  get size(): number {
    return this.#open.size;
  }

  get acceptsAll(): boolean {
    return this.acceptedId === ID_MAX;
  }

  get hasOwnIdsLeft(): boolean {
    return this.nextOwnId < ID_MAX;
  }

  get(id: number): Stream | undefined {
    return this.#open.get(id);
  }

  /** As it is now: what is done with one may take others out. */
  all(): Stream[] {
    return [...this.#open.values()];
  }

  add(stream: Stream): void {
    this.#open.set(stream.id, stream);
  }

  delete(id: number): void {
    this.#open.delete(id);
  }

  /** We reset it, or refused to open it. */
  setReset(id: number): void {
    this.#resetIds ??= new Int32Array(this.#resetsMax);
    this.#resetIds[this.#nextReset] = id;
    this.#nextReset = (this.#nextReset + 1) % this.#resetsMax;
  }

  /** Of a stream that get() does not have. */
  whereIs(id: number): Elsewhere {
    if ((id & 1) !== this.#peersParity) {
      // Ours, if we are the client; a server opens none.
      if (this.#peersParity === 1 || id >= this.nextOwnId) return "idle";
    } else if (id > this.lastPeerId) {
      return this.#peersParity === 1 ? "new" : "idle";
    }
    return this.#resetIds?.includes(id) === true ? "reset" : "closed";
  }
}
