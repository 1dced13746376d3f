import type { HeaderList } from "../protocol/http/header-list.ts";
import type { ServingSide } from "./downstream.ts";
import type { Exchange } from "./exchange.ts";
import { PassingDownstream } from "./passing-downstream.ts";

/** What came of it: the whole body, or that there is more of it than is wanted. */
export type HeldBody = Buffer | "too large";

/**
 * The client's side of an exchange whose request body is read before anybody serves it, as a whole and
 * up to a size. Who serves it then gets the same body once more:
 *
 *     collecting ─► held ─► handed on          told() is called once, unless the client leaves before
 */
export class HeldRequest extends PassingDownstream {
  readonly #bytesMax: number;
  readonly #told: (body: HeldBody) => void;
  #chunks: Buffer[];
  #bytes: number;
  #state: "collecting" | "held" | "handed on";
  #trailers: HeaderList | undefined;

  /** Puts itself before the client's side of the exchange, and begins to read. */
  static begin(exchange: Exchange, bytesMax: number, told: (body: HeldBody) => void): void {
    const held = new HeldRequest(exchange, bytesMax, told);
    const isAwaited = held.behind.expectsContinue;
    exchange.downstream = held;
    if (isAwaited) held.behind.interim(100, undefined); // nobody else is asked for it
    held.behind.resumeBody();
  }

  private constructor(exchange: Exchange, bytesMax: number, told: (body: HeldBody) => void) {
    super(exchange.downstream);
    this.#bytesMax = bytesMax;
    this.#told = told;
    this.#chunks = [];
    this.#bytes = 0;
    this.#state = "collecting";
    this.#trailers = undefined;
  }

  // --- who serves ----------------------------------------------------------------------------------

  /** The client has been told to send it. */
  override get expectsContinue(): boolean {
    return false;
  }

  override attach(side: ServingSide): void {
    this.side = side;
  }

  override pauseBody(): void {}

  /** It is here as a whole, so it goes on in one. */
  override resumeBody(): void {
    const { side } = this;
    if (this.#state !== "held" || side === undefined) return;
    const [body] = this.#chunks;
    this.#state = "handed on";
    this.#chunks = [];
    if (body !== undefined && body.length > 0) side.bodyBytes(body);
    side.bodyReadOver();
    side.bodyEnd(this.#trailers);
  }

  // --- the client ----------------------------------------------------------------------------------

  override get holdsRequest(): boolean {
    return this.#state === "handed on" && super.holdsRequest;
  }

  override bodyBytes(bytes: Buffer): void {
    if (this.#state !== "collecting") return; // of a body that is too large
    this.#bytes += bytes.length;
    if (this.#bytes <= this.#bytesMax) {
      this.#chunks.push(Buffer.from(bytes)); // it is only lent
      return;
    }
    this.#chunks = [];
    this.#state = "handed on"; // nothing of it goes anywhere
    this.behind.pauseBody();
    this.#told("too large");
  }

  override bodyEnd(trailers: HeaderList | undefined): void {
    if (this.#state !== "collecting") return;
    const body = Buffer.concat(this.#chunks);
    this.#chunks = [body];
    this.#trailers = trailers;
    this.#state = "held";
    this.#told(body);
  }

  override bodyReadOver(): void {}
}
