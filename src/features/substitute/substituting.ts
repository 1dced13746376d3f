import type { BodyStage, Onward } from "../../core/body-stage.ts";
import type { HeaderList } from "../../protocol/http/header-list.ts";
import { Finder, type Rule } from "./finder.ts";

const NOTHING = Buffer.alloc(0);
const COPIED_BYTES = 1024; // as much is not worth keeping what it is a part of
const GATHERED_BYTES = 16 * 1024; // of small pieces: each write is a chunk, or a frame, of its own

/**
 * Replaces text in a body as it comes. Between two reads it holds back what may be how a match begins,
 * and while who comes after takes no more, what is left of a read: a short text that becomes a
 * long one must not fill the memory.
 */
export class Substituting implements BodyStage {
  readonly #onward: Onward;
  readonly #finder: Finder;
  #bytes: Buffer; // at hand; ours between two calls
  #from: number; // up to here they are passed on
  #gathered: Buffer[]; // passed on by the end of the call
  #gatheredBytes: number;
  #isBlocked: boolean;
  #isEnding: boolean;
  #isOver: boolean;
  #trailers: HeaderList | undefined;

  constructor(onward: Onward, rules: readonly Rule[]) {
    this.#onward = onward;
    this.#finder = new Finder(rules);
    this.#bytes = NOTHING;
    this.#from = 0;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#isBlocked = false;
    this.#isEnding = false;
    this.#isOver = false;
    this.#trailers = undefined;
  }

  get holdsBytes(): boolean {
    return this.#onward.holdsBytes;
  }

  write(bytes: Buffer): boolean {
    const rest = this.#bytes.subarray(this.#from);
    this.#take(rest.length === 0 ? bytes : Buffer.concat([rest, bytes]));
    if (!this.#isBlocked) this.#goOn();
    this.#keep(rest.length === 0);
    return !this.#isBlocked;
  }

  flush(): void {
    this.#onward.flush();
  }

  end(trailers: HeaderList | undefined): void {
    this.#isEnding = true;
    this.#trailers = trailers;
    if (!this.#isBlocked) this.#finish();
  }

  resume(): void {
    if (this.#isOver) return;
    this.#isBlocked = false;
    if (this.#isEnding) {
      this.#finish();
      return;
    }
    this.#goOn();
    this.#keep(false);
    if (this.#isBlocked) return;
    this.#onward.flush();
    this.#onward.more();
  }

  stop(): void {
    this.#isOver = true;
    this.#take(NOTHING);
  }

  #finish(): void {
    this.#goOn();
    if (this.#isBlocked || this.#isOver) return;
    this.#isOver = true;
    this.#onward.end(this.#trailers);
  }

  #take(bytes: Buffer): void {
    this.#bytes = bytes;
    this.#from = 0;
    this.#finder.begin();
  }

  /** What is left is needed beyond this call. */
  #keep(isLent: boolean): void {
    const left = this.#bytes.length - this.#from;
    if (left === 0) this.#take(NOTHING);
    else if (isLent || left < COPIED_BYTES)
      this.#take(Buffer.from(this.#bytes.subarray(this.#from)));
  }

  /** Passes on what is certain of the bytes at hand, for as long as it is taken. */
  #goOn(): void {
    let open = this.#openAt();
    while (!this.#isBlocked && !this.#isOver) {
      const match = this.#finder.next(this.#bytes, this.#from, open);
      if (match === undefined) {
        this.#passUpTo(open);
        break;
      }
      const { at, rule } = match;
      this.#passUpTo(at);
      this.#from = at + rule.find.length;
      this.#pass(rule.with);
      if (this.#from > open || rule.once) open = this.#openAt();
    }
    this.#send();
  }

  /** Where there may be the begin of a match that ends in what comes next. */
  #openAt(): number {
    return this.#isEnding ? this.#bytes.length : this.#finder.openAt(this.#bytes, this.#from);
  }

  #passUpTo(at: number): void {
    const { length } = this.#bytes;
    const bytes =
      this.#from === 0 && at === length ? this.#bytes : this.#bytes.subarray(this.#from, at);
    this.#from = at;
    this.#pass(bytes);
  }

  #pass(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#gathered.push(bytes);
    this.#gatheredBytes += bytes.length;
    if (this.#gatheredBytes >= GATHERED_BYTES) this.#send();
  }

  #send(): void {
    const pieces = this.#gathered;
    if (pieces.length === 0) return;
    const bytes = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces, this.#gatheredBytes);
    this.#gathered = [];
    this.#gatheredBytes = 0;
    if (!this.#onward.write(bytes)) this.#isBlocked = true;
  }
}
