import type { BodyStage, Onward } from "../../core/body-stage.ts";
import type { HeaderList } from "../../protocol/http/header-list.ts";
import type { Flow, Share } from "./share.ts";

/** Passes a body on at the pace of its share, and holds back who sends it meanwhile. */
export class PacedStage implements BodyStage, Flow {
  readonly #share: Share;
  readonly #onward: Onward;
  #held: Buffer[]; // lent: who sends gets told so by holdsBytes
  #isFull: boolean; // who comes after takes none
  #isSending: boolean;
  #end: { readonly trailers: HeaderList | undefined } | undefined;
  #isOver: boolean;

  constructor(share: Share, onward: Onward) {
    this.#share = share;
    this.#onward = onward;
    this.#held = [];
    this.#isFull = false;
    this.#isSending = false;
    this.#end = undefined;
    this.#isOver = false;
    share.joined();
  }

  get holdsBytes(): boolean {
    return this.#held.length > 0 || this.#onward.holdsBytes;
  }

  get nextBytes(): number {
    const [bytes] = this.#held;
    if (this.#isFull || bytes === undefined) return 0;
    return Math.min(bytes.length, this.#share.sliceBytes);
  }

  write(bytes: Buffer): boolean {
    this.#held.push(bytes);
    this.#pump();
    return this.#held.length === 0 && !this.#isFull;
  }

  /** As long as it may; the rest when its turn comes. */
  #pump(): void {
    if (this.#isSending) return;
    for (;;) {
      const { nextBytes } = this;
      if (nextBytes === 0 || !this.#share.take(this, nextBytes)) return;
      this.#sendSlice(nextBytes);
    }
  }

  send(): void {
    this.#sendSlice(this.nextBytes);
    this.#pump();
    this.#onward.flush();
    if (this.#held.length > 0 || this.#isOver) return;
    if (this.#end !== undefined) this.#finish();
    else if (!this.#isFull) this.#onward.more();
  }

  #sendSlice(count: number): void {
    const bytes = this.#held[0]!;
    this.#isSending = true;
    if (count === bytes.length) {
      this.#held.shift();
      this.#isFull = !this.#onward.write(bytes);
    } else {
      this.#held[0] = bytes.subarray(count);
      this.#isFull = !this.#onward.write(bytes.subarray(0, count));
    }
    this.#isSending = false;
  }

  flush(): void {
    this.#onward.flush();
  }

  end(trailers: HeaderList | undefined): void {
    this.#end = { trailers };
    if (this.#held.length === 0) this.#finish();
  }

  #finish(): void {
    const { trailers } = this.#end!;
    this.stop();
    this.#onward.end(trailers);
  }

  resume(): void {
    this.#isFull = false;
    this.#pump();
    if (this.#held.length > 0 || this.#isOver) return;
    if (this.#end !== undefined) this.#finish();
    else if (!this.#isFull) this.#onward.more();
  }

  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#held = [];
    this.#share.left(this);
  }
}
