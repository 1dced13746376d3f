import { hashText } from "../../base/key-hash.ts";
import type { Exchange } from "../../core/exchange.ts";
import { cookieValue } from "../../protocol/http/cookie.ts";
import { type CookieShape, setCookie } from "../../upstream/set-cookie.ts";

const VALUE = /^[0-9a-f]{16}$/;

/**
 * Gives each client a number of its own, so that it stays on its side of a split. A client may choose
 * its number, and so its side: a split is no access rule.
 */
export class SplitCookie {
  readonly #shape: CookieShape;

  constructor(shape: CookieShape) {
    this.#shape = shape;
  }

  keyOf(exchange: Exchange): string {
    return this.#received(exchange) ?? newValue(exchange);
  }

  keep(exchange: Exchange): void {
    if (this.#received(exchange) === undefined)
      setCookie(exchange, this.#shape, newValue(exchange));
  }

  #received({ request }: Exchange): string | undefined {
    const value = cookieValue(request.headers, this.#shape.cookie);
    return value !== undefined && VALUE.test(value) ? value : undefined;
  }
}

/** The same each time it is asked for in one exchange, so nobody has to remember it. */
function newValue({ id }: Exchange): string {
  return hex(hashText(id)) + hex(hashText(`${id} split`));
}

function hex(word: number): string {
  return word.toString(16).padStart(8, "0");
}
