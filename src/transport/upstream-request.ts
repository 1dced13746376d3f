import { type Exchange, upstreamMethodOf } from "../core/exchange.ts";
import type { Limits, Timeouts } from "../core/limits.ts";
import type { Endpoint } from "../core/upstream.ts";
import type { RequestFields } from "../protocol/h2/stream.ts";
import { requestFields } from "./request-fields.ts";
import { requestText } from "./request-text.ts";
import type { Asked } from "./response-reader.ts";

/** What one exchange wants of an endpoint; its head is written for the protocol that it goes out in. */
export class UpstreamRequest implements Asked {
  readonly method: string;
  readonly isChunked: boolean; // the request body
  readonly websocketKey: string | undefined;
  readonly timeouts: Timeouts;
  readonly limits: Limits;
  readonly #exchange: Exchange;
  readonly #endpoint: Endpoint;
  #text: string | undefined;
  #fields: RequestFields | undefined;

  constructor(exchange: Exchange, endpoint: Endpoint, timeouts: Timeouts, limits: Limits) {
    const { downstream, request } = exchange;
    this.method = upstreamMethodOf(request);
    this.isChunked = downstream.requestFraming.kind === "chunked";
    this.websocketKey = downstream.websocketKey;
    this.timeouts = timeouts;
    this.limits = limits;
    this.#exchange = exchange;
    this.#endpoint = endpoint;
    this.#text = undefined;
    this.#fields = undefined;
  }

  get text(): string {
    return this.#text ?? requestText(this.#exchange, this.#endpoint);
  }

  get fields(): RequestFields {
    return this.#fields ?? requestFields(this.#exchange, this.#endpoint);
  }

  /** As it is now: whoever has it sent later may find the exchange over, or on its next attempt. */
  keep(): void {
    this.#text = this.text;
    this.#fields = this.fields;
  }
}
