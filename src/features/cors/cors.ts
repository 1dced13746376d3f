import { type Exchange, headersReceivedOf } from "../../core/exchange.ts";
import type { Fault } from "../../core/fault.ts";
import type { Feature } from "../../core/feature.ts";
import type { Filter, Reply } from "../../core/filter.ts";
import { refusal } from "../../core/refusal.ts";
import { idOf } from "../../protocol/http/header-id.ts";
import { type HeaderList, isFieldName } from "../../protocol/http/header-list.ts";
import { NameSet } from "../../protocol/http/name-set.ts";
import { addVary } from "../../protocol/http/variant.ts";
import { type CorsOptions, corsSchema } from "./cors-options.ts";
import { OriginSet } from "./origin-set.ts";

/** Says to browsers which pages may call, and answers their preflights. */
export const cors: Feature<CorsOptions, Filter> = {
  name: "cors",
  kind: "filter",
  about: "Lets pages of other origins call, and answers their preflights (CORS).",
  schema: corsSchema,
  build: (options) => new Cors(options),
};

const ORIGIN = idOf("origin");
const NAMES_MAX = 100; // that a preflight may ask for
const PREFLIGHT_VARY = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";

/**
 * Whatever the upstream says of it is taken off: two that decide end in a value twice, which browsers
 * refuse, or in the laxer of the two.
 */
const ALL_OF_CORS = new NameSet([
  "access-control-allow-*",
  "access-control-expose-headers",
  "access-control-max-age",
]);

class Cors implements Filter {
  readonly name = "cors";
  readonly #options: CorsOptions;
  readonly #origins: OriginSet;
  readonly #methods: ReadonlySet<string>;
  readonly #headers: ReadonlySet<string> | undefined; // in lower case; undefined: any
  readonly #exposed: string;
  readonly #isForAll: boolean; // the same answer for whoever asks
  readonly #preflights: WeakSet<Exchange>; // whose answer is made here

  constructor(options: CorsOptions) {
    const { headers } = options;
    this.#options = options;
    this.#origins = new OriginSet(options.origins);
    this.#methods = new Set(options.methods);
    this.#headers =
      headers === "any" ? undefined : new Set(headers.map((name) => name.toLowerCase()));
    this.#exposed = options.exposeHeaders.join(", ");
    this.#isForAll = this.#origins.isAny && !options.credentials;
    this.#preflights = new WeakSet();
  }

  /** Before anybody asks who the client is: a preflight has no credentials. */
  admit(exchange: Exchange): Reply | undefined {
    const { request } = exchange;
    if (request.method !== "OPTIONS") return undefined;
    const { headers } = request;
    const origin = headers.first(ORIGIN);
    const method = headers.get("access-control-request-method");
    if (origin === undefined || method === undefined) return undefined;
    const asked = headers.all("access-control-request-headers").join(",");
    this.#preflights.add(exchange);
    const fault = this.#faultOf(origin, method, asked);
    if (fault !== undefined) return refusal(exchange, fault, { vary: PREFLIGHT_VARY });
    return { status: 204, headers: this.#preflightFields(origin, asked, headers) };
  }

  /** On all responses, also of ours: a page is to read why it was refused. */
  respond(exchange: Exchange): undefined {
    const { response } = exchange;
    if (response === undefined || this.#preflights.has(exchange)) return;
    const { headers } = response;
    headers.deleteAll(ALL_OF_CORS);
    if (this.#isForAll) {
      headers.addOwn("Access-Control-Allow-Origin", "*");
    } else {
      addVary(headers, "Origin"); // also where there is none: a cache must not give this to others
      const origin = headersReceivedOf(exchange.request).first(ORIGIN);
      if (origin === undefined || !this.#origins.has(origin)) return;
      headers.addOwn("Access-Control-Allow-Origin", origin);
      if (this.#options.credentials) headers.addOwn("Access-Control-Allow-Credentials", "true");
    }
    if (this.#exposed !== "") headers.addOwn("Access-Control-Expose-Headers", this.#exposed);
  }

  explain(exchange: Exchange): readonly string[] {
    const origin = headersReceivedOf(exchange.request).first(ORIGIN);
    if (origin === undefined) return ["the request has no Origin"];
    return [`${this.#origins.has(origin) ? "allows" : "does not allow"} ${origin}`];
  }

  #faultOf(origin: string, method: string, asked: string): Fault | undefined {
    if (!this.#origins.has(origin)) return refused(`the origin ${origin}`);
    if (!this.#methods.has(method)) return refused(`the method ${method}`);
    const names = namesIn(asked);
    if (names.length > NAMES_MAX) return refused(`${names.length} headers`);
    const other = names.find((name) => !isFieldName(name) || this.#headers?.has(name) === false);
    return other === undefined ? undefined : refused(`the header ${other}`);
  }

  #preflightFields(origin: string, asked: string, request: HeaderList) {
    const { methods, credentials, maxAgeMs, privateNetwork } = this.#options;
    const isPrivate =
      privateNetwork && request.get("access-control-request-private-network") === "true";
    const names = namesIn(asked).join(", ");
    return {
      "access-control-allow-origin": this.#isForAll ? "*" : origin,
      ...(credentials && { "access-control-allow-credentials": "true" }),
      "access-control-allow-methods": methods.join(", "),
      ...(names !== "" && { "access-control-allow-headers": names }),
      ...(isPrivate && { "access-control-allow-private-network": "true" }),
      "access-control-max-age": `${Math.floor(maxAgeMs / 1000)}`,
      vary: PREFLIGHT_VARY,
    };
  }
}

function namesIn(asked: string): readonly string[] {
  return asked
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "");
}

function refused(what: string): Fault {
  return { code: "cors_refused", detail: `${what} is not allowed` };
}
