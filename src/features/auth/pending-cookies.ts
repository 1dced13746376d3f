import type { Exchange } from "../../core/exchange.ts";

/** Cookies that the client is to get with whatever it is answered, for which there is no head yet. */
export class PendingCookies {
  readonly #lines: WeakMap<Exchange, readonly string[]>;

  constructor() {
    this.#lines = new WeakMap();
  }

  add(exchange: Exchange, lines: readonly string[]): void {
    if (lines.length === 0) return;
    this.#lines.set(exchange, [...(this.#lines.get(exchange) ?? []), ...lines]);
  }

  /** For the phase respond. */
  write(exchange: Exchange): void {
    const lines = this.#lines.get(exchange);
    if (lines === undefined) return;
    this.#lines.delete(exchange);
    for (const line of lines) exchange.response!.headers.add("Set-Cookie", line);
  }
}
