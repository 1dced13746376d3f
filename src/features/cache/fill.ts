import type { ResponseHead } from "../../core/exchange.ts";
import type { Framing } from "../../protocol/h1/framing.ts";
import { HeaderList } from "../../protocol/http/header-list.ts";
import type { Filling, StoredResponse } from "../../stores/cache-store.ts";
import { GrowingBody } from "../../stores/growing-body.ts";
import type { StorePlan } from "./cache-rules.ts";
import { Codings, type CodingWorks } from "./codings.ts";
import type { Growing } from "./fetch-owner.ts";
import { dropParts, keepPart } from "./parts.ts";

export const WINDOW_BYTES = 256 * 1024; // that are held for the slowest reader of what is not stored

export interface FillOptions {
  readonly plan: StorePlan & { readonly kind: "store" };
  readonly status: number;
  readonly framing: Framing;
  readonly filling: Filling;
  readonly bytesMax: number;
  readonly works: CodingWorks;
  /** What is made of it has read on. */
  moved(): void;
}

/**
 * A response on its way into the store, which many read meanwhile. One that turns out to be too large
 * is not kept: from then on it holds a window, up to the slowest of its readers.
 */
export class Fill {
  readonly plan: FillOptions["plan"];
  readonly framing: Framing;
  readonly body: GrowingBody;
  readonly codings: Codings;
  readonly #options: FillOptions;
  readonly #headers: HeaderList;
  #isKept: boolean;

  constructor(options: FillOptions) {
    this.plan = options.plan;
    this.framing = options.framing;
    this.body = new GrowingBody();
    this.codings = new Codings(this.body, Number.POSITIVE_INFINITY, options.works);
    this.codings.onMoved = () => options.moved();
    this.#options = options;
    this.#headers = HeaderList.ofLines(options.plan.lines);
    this.#isKept = true;
  }

  get isKept(): boolean {
    return this.#isKept;
  }

  /** Nobody should send more before its readers have taken some. */
  get isFull(): boolean {
    return !this.#isKept && this.body.heldBytes >= WINDOW_BYTES;
  }

  /** As it is read while it comes. `own`: the head as it came, for who asked. */
  growing(own: ResponseHead | undefined): Growing {
    const { framing, body, codings, plan } = this;
    const head = own ?? { status: this.#options.status, headers: this.#headers.copy() };
    return { head, framing, body, codings, isOwn: own !== undefined, freshness: plan.freshness };
  }

  append(bytes: Buffer): void {
    const { framing, body } = this;
    const { bytesMax, filling } = this.#options;
    if (this.#isKept && (body.length + bytes.length > bytesMax || !filling.grow(bytes.length))) {
      this.#isKept = false;
      filling.ended();
      this.codings.giveUp();
    }
    body.append(bytes, framing.kind === "length" ? framing.bytes - body.length : undefined);
  }

  /** Every reader has read up to there. */
  readUpTo(position: number): void {
    if (!this.#isKept) this.body.letGo(Math.min(position, this.codings.position));
  }

  /** It is whole: into the store with it. */
  keep(url: string, partition: string): void {
    this.codings.sourceEnded(this.body.length, this.#keep(url, partition));
  }

  #keep(url: string, partition: string): StoredResponse | undefined {
    const { plan, body } = this;
    const { range } = plan;
    if (!this.#isKept) return undefined;
    if (range !== undefined && body.length !== range.last - range.first + 1) return undefined;
    const { filling, status, works, bytesMax } = this.#options;
    const { store } = works;
    if (range !== undefined) {
      keepPart(store, { ...plan, url, partition, range, body, bytesMax }, filling);
      return undefined; // what is coded is the whole
    }
    const whole = store.put({ ...plan, url, status, body, partition }, filling);
    if (whole !== undefined) dropParts(store, whole);
    return whole;
  }
}
