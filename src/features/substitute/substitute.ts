import { stageResponse } from "../../core/body-stage.ts";
import type { Exchange, ResponseHead } from "../../core/exchange.ts";
import type { Feature } from "../../core/feature.ts";
import type { Filter } from "../../core/filter.ts";
import { acceptEncodingOf, dropBodyFields } from "../../protocol/http/content-coding.ts";
import { idOf } from "../../protocol/http/header-id.ts";
import { MediaTypes } from "../../protocol/http/media-types.ts";
import { strengthenIfMatch, weakenTag, weakenTagOf304 } from "../../protocol/http/variant.ts";
import { type Rule, rulesOf } from "./finder.ts";
import { type SubstituteOptions, substituteSchema } from "./substitute-options.ts";
import { Substituting } from "./substituting.ts";

const CONTENT_ENCODING = idOf("content-encoding");
const CONTENT_TYPE = idOf("content-type");
const PARTIAL = 206;

/** Replaces text in the bodies of responses. */
export const substitute: Feature<SubstituteOptions, Filter> = {
  name: "substitute",
  kind: "filter",
  about: "Replaces text in the bodies of responses, as they come.",
  schema: substituteSchema,
  build: (options) => new Substitute(options),
};

class Substitute implements Filter {
  readonly name = "substitute";
  readonly #rules: readonly Rule[];
  readonly #types: MediaTypes;
  readonly #told: string;

  constructor({ replace, types }: SubstituteOptions) {
    this.#rules = rulesOf(replace);
    this.#types = new MediaTypes(types);
    this.#told = `${replace.length} replacement${replace.length === 1 ? "" : "s"} in ${types.join(", ")}`;
  }

  /** What the upstream compresses, or gives a part of, cannot be looked through. */
  rewrite(exchange: Exchange): undefined {
    const { method, headers } = exchange.request;
    // What the client takes is for compress, which comes after and codes what was replaced.
    exchange.compression ??= {
      ...{ accept: acceptEncodingOf(headers), coding: undefined, why: undefined, plainBytes: 0 },
    };
    headers.delete("accept-encoding");
    headers.delete("range");
    headers.delete("if-range");
    if (method !== "GET" && method !== "HEAD") strengthenIfMatch(headers);
    return undefined;
  }

  respond(exchange: Exchange): undefined {
    const { request } = exchange;
    const response = exchange.response!; // there is one in this phase
    if (response.status === 304) weakenTagOf304(request.headers, response.headers);
    if (!this.#isIn(response)) return undefined;
    const { headers } = response;
    dropBodyFields(headers);
    headers.delete("accept-ranges"); // parts of what the origin has are not parts of this
    weakenTag(headers);
    stageResponse(exchange, (onward) => new Substituting(onward, this.#rules));
    return undefined;
  }

  explain(): readonly string[] {
    return [this.#told];
  }

  #isIn({ status, headers }: ResponseHead): boolean {
    if (status === PARTIAL || status === 204 || status === 304) return false;
    const coding = headers.first(CONTENT_ENCODING);
    if (coding !== undefined && coding.toLowerCase() !== "identity") return false;
    const type = headers.first(CONTENT_TYPE);
    return type !== undefined && this.#types.has(type);
  }
}
