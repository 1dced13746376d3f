import type { Exchange, ResponseHead } from "../../core/exchange.ts";
import { CACHE_VARY_NAMES_MAX } from "../../core/limits.ts";
import type { CacheControl } from "../../protocol/caching/cache-control.ts";
import { initialAgeMs, type LifetimeRules, lifetimeOf } from "../../protocol/caching/freshness.ts";
import { contradictsPath } from "../../protocol/caching/path-type.ts";
import { type ContentRange, parseContentRange } from "../../protocol/caching/range.ts";
import { type Freshness, freshnessOf } from "../../protocol/caching/reuse.ts";
import { type Refusal, storeRefusal } from "../../protocol/caching/storable.ts";
import { storedLines } from "../../protocol/caching/stored-fields.ts";
import { controlInForce } from "../../protocol/caching/targeted-control.ts";
import { varyKey, varyNames } from "../../protocol/caching/vary.ts";
import type { Framing } from "../../protocol/h1/framing.ts";
import { idOf } from "../../protocol/http/header-id.ts";
import type { CacheOptions } from "./cache-options.ts";

/** What is known of a response once its head is here. */
export type StorePlan =
  | { readonly kind: "refused"; readonly why: Refusal | "too-large" | "vary" | "range" | "ending" }
  | {
      readonly kind: "store";
      readonly lines: string;
      readonly freshness: Freshness;
      readonly varyNames: readonly string[];
      readonly varyKey: string;
      readonly range: ContentRange | undefined; // of a 206
    };

export interface Received {
  readonly response: ResponseHead;
  /** In wall time, when it was asked for and came; and when it came on the monotonic clock. */
  readonly requestedWallMs: number;
  readonly receivedWallMs: number;
  readonly nowMs: number;
}

export interface Answered extends Received {
  readonly asked: Pick<Exchange, "request" | "identity">;
  readonly requestControl: CacheControl;
}

const CONTENT_TYPE = idOf("content-type");
const DEFAULT_STATUSES = new Set([200, 203, 204, 300, 301, 308]);
const HEURISTIC_PERCENT = 10;
const HEURISTIC_MAX_MS = 86_400_000;

/** A route's rules, applied to one response after the other. */
export class CacheRules {
  readonly options: CacheOptions;
  readonly #lifetimes: LifetimeRules;

  constructor(options: CacheOptions) {
    const { ttlMs, defaultMs, guesses } = options;
    this.options = options;
    this.#lifetimes = {
      lifetimeMs: (status) =>
        ttlMs.get(status) ??
        ttlMs.get(Math.floor(status / 100)) ??
        (DEFAULT_STATUSES.has(status) ? defaultMs : undefined),
      heuristicPercent: guesses ? HEURISTIC_PERCENT : 0,
      heuristicMaxMs: HEURISTIC_MAX_MS,
    };
  }

  plan(answered: Answered): StorePlan {
    const { asked, response } = answered;
    const request = asked.request.headers;
    const { status, headers } = response;
    const inForce = controlInForce(headers, this.options.targets);
    const { receivedWallMs } = answered;
    const lifetime = lifetimeOf(status, headers, inForce, receivedWallMs, this.#lifetimes);
    const why = storeRefusal({
      request,
      isOfSomebody: asked.identity !== undefined,
      requestControl: answered.requestControl,
      status,
      response: headers,
      inForce,
      lifetime,
      rules: this.options,
    });
    if (why !== "") return { kind: "refused", why };
    const { checksEndings } = this.options;
    if (checksEndings && contradictsPath(asked.request.path, headers.first(CONTENT_TYPE))) {
      return { kind: "refused", why: "ending" };
    }
    const names = varyNames(headers);
    if (names === "*" || names.length > CACHE_VARY_NAMES_MAX)
      return { kind: "refused", why: "vary" };
    const range =
      status === 206 ? parseContentRange(headers.get("content-range") ?? "") : undefined;
    if (status === 206 && range === undefined) return { kind: "refused", why: "range" };
    return {
      kind: "store",
      lines: storedLines(headers, inForce.control),
      freshness: this.freshness(answered),
      varyNames: names,
      varyKey: varyKey(names, request),
      range,
    };
  }

  /** Of a response that is or is to be stored, by its fields as they are now. */
  freshness({ response, requestedWallMs, receivedWallMs, nowMs }: Received): Freshness {
    const { status, headers } = response;
    const inForce = controlInForce(headers, this.options.targets);
    const { ms } = lifetimeOf(status, headers, inForce, receivedWallMs, this.#lifetimes);
    const times = { requestedMs: requestedWallMs, receivedMs: receivedWallMs };
    const bornMs = nowMs - initialAgeMs(headers, times);
    return freshnessOf(inForce, Math.min(ms, this.options.maxTtlMs), bornMs, this.options);
  }

  /** May so much be stored, as far as the framing tells? */
  fits(framing: Framing): boolean {
    return framing.kind !== "length" || framing.bytes <= this.options.objectBytesMax;
  }
}
