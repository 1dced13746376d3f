import { createHmac, randomFillSync } from "node:crypto";
import type { Exchange } from "../core/exchange.ts";
import type { BuildTools } from "../core/feature.ts";
import type { Endpoint, Stickiness } from "../core/upstream.ts";
import { cookieValue } from "../protocol/http/cookie.ts";
import { type CookieShape, setCookie } from "./set-cookie.ts";

/** A cookie that says which endpoint a client belongs to, and how the browser is to keep it. */
export interface StickyShape extends CookieShape {
  readonly secret: string | undefined; // undefined: one of this process, new at every start
}

const KEY_BYTES = 32;
const VALUE_BYTES = 16; // of the digest: 128 bits are not guessed

/**
 * The value is a digest of the endpoint's name under a secret key: it shows nothing of the endpoint, and
 * nobody can make one up. Values are worked out once for each endpoint, so to read a cookie is
 * to look it up; what is not found there (of an endpoint that left, of another key, tampered with)
 * counts as no cookie.
 */
export class StickyCookie implements Stickiness {
  readonly #upstream: string;
  readonly #shape: StickyShape;
  readonly #key: Uint8Array;
  #byValue: ReadonlyMap<string, Endpoint>;
  #values: ReadonlyMap<Endpoint, string>;

  /** The key of the process lies in shared memory: whoever makes it first makes it for all workers. */
  static keep(upstream: string, shape: StickyShape, tools: Pick<BuildTools, "keep" | "machine">) {
    const { secret } = shape;
    const key =
      secret === undefined
        ? tools.keep("sticky cookie key", () => ownKey(tools.machine.block(KEY_NAME, KEY_BYTES)))
        : new TextEncoder().encode(secret);
    return new StickyCookie(upstream, shape, key);
  }

  constructor(upstream: string, shape: StickyShape, key: Uint8Array) {
    this.#upstream = upstream;
    this.#shape = shape;
    this.#key = key;
    this.#byValue = new Map();
    this.#values = new Map();
  }

  /** These are the endpoints from now on. */
  serve(endpoints: readonly Endpoint[]): void {
    const values = endpoints.map((each): [Endpoint, string] => [each, this.#valueOf(each)]);
    this.#values = new Map(values);
    this.#byValue = new Map(values.map(([endpoint, value]) => [value, endpoint]));
  }

  endpointOf({ request }: Exchange): Endpoint | undefined {
    const value = cookieValue(request.headers, this.#shape.cookie);
    return value === undefined ? undefined : this.#byValue.get(value);
  }

  keep(exchange: Exchange, endpoint: Endpoint): void {
    const value = this.#values.get(endpoint);
    if (value === undefined) return; // it has left in the meantime
    if (cookieValue(exchange.request.headers, this.#shape.cookie) === value) return;
    setCookie(exchange, this.#shape, value);
  }

  #valueOf({ name }: Endpoint): string {
    const digest = createHmac("sha256", this.#key).update(`${this.#upstream}\n${name}`).digest();
    return digest.toString("base64url", 0, VALUE_BYTES);
  }
}

const KEY_NAME = "sticky cookie key";

function ownKey(memory: SharedArrayBuffer): Uint8Array {
  const key = new Uint8Array(memory);
  if (key.every((byte) => byte === 0)) randomFillSync(key);
  return Uint8Array.from(key);
}
