import { type Onward, stageRequest } from "../../core/body-stage.ts";
import { CodecMemory } from "../../core/codec-memory.ts";
import type { Exchange } from "../../core/exchange.ts";
import type { Fault, FaultCode } from "../../core/fault.ts";
import type { Feature } from "../../core/feature.ts";
import { sizeOrOff, sizeText, wanted, wholeNumber, z } from "../../core/fields.ts";
import type { Filter, Reply } from "../../core/filter.ts";
import { refusal } from "../../core/refusal.ts";
import { hasBody } from "../../protocol/h1/framing.ts";
import { codingsOf, dropBodyFields } from "../../protocol/http/content-coding.ts";
import { idOf } from "../../protocol/http/header-id.ts";
import { DECODINGS, type Decoding, decodingOf, MEMORY_BYTES, openDecoder } from "./decoders.ts";
import { Inflating } from "./inflating.ts";

interface DecompressOptions {
  readonly codings: readonly Decoding[]; // none: off
  readonly maxBytes: number;
  readonly maxRatio: number;
  readonly maxLayers: number;
}

const MIB = 1024 * 1024;
const DEFAULTS: DecompressOptions = {
  codings: DECODINGS,
  maxBytes: 64 * MIB,
  maxRatio: 100,
  maxLayers: 1,
};

/** Up to here any ratio will do: a text of one letter is no attack. */
const RATIO_FROM_BYTES = 256 * 1024;

const CODING_FORM = `one of ${DECODINGS.join(", ")}`;

const map = z.strictObject({
  codings: z
    .array(z.enum(DECODINGS, { error: wanted(CODING_FORM) }), {
      error: wanted("a list of codings"),
    })
    .min(1, { error: () => "must be a list of at least one coding, got an empty list" })
    .default([...DECODINGS])
    .describe(`Which are taken; others are refused with 415. Default: [${DECODINGS.join(", ")}].`),
  maxBytes: sizeOrOff
    .default(DEFAULTS.maxBytes)
    .describe(
      "How large a body may become, beside limits.bodyBytes; beyond it 413. Default: 64MiB.",
    ),
  maxRatio: wholeNumber(2, 1_100)
    .default(DEFAULTS.maxRatio)
    .describe("How many bytes may come of one; beyond it, and 256KiB, 413. Default: 100."),
  maxLayers: wholeNumber(1, 4)
    .default(DEFAULTS.maxLayers)
    .describe("How many codings may be on top of each other; beyond it 415. Default: 1."),
});

const schema: z.ZodType<DecompressOptions> = z.union(
  [
    z.literal(true).transform((): DecompressOptions => DEFAULTS),
    z.literal(false).transform((): DecompressOptions => ({ ...DEFAULTS, codings: [] })),
    map,
  ],
  {
    error: ({ input }) =>
      typeof input === "object" && input !== null && !Array.isArray(input)
        ? undefined
        : wanted("true, false, or a map")({ input }),
  },
);

const CONTENT_ENCODING = idOf("content-encoding");

/** Upstreams get the plain body of a request that came compressed. */
export const decompress: Feature<DecompressOptions, Filter> = {
  name: "decompress",
  kind: "filter",
  about: "Takes compression off request bodies, within bounds: true, false, or a map.",
  schema,

  build(options, tools) {
    if (options.codings.length === 0) return { name: "decompress" };
    const memory = tools.keepForAll("codec memory", () => new CodecMemory());
    return new Decompress(options, memory, tools.bug);
  },
};

class Decompress implements Filter {
  readonly name = "decompress";
  readonly #options: DecompressOptions;
  readonly #memory: CodecMemory;
  readonly #bug: (error: unknown, exchange: Exchange) => void;
  readonly #stages: WeakMap<Exchange, Inflating[]>;

  constructor(
    options: DecompressOptions,
    memory: CodecMemory,
    bug: (error: unknown, exchange: Exchange) => void,
  ) {
    this.#options = options;
    this.#memory = memory;
    this.#bug = bug;
    this.#stages = new WeakMap();
  }

  rewrite(exchange: Exchange): Reply | undefined {
    const { request, downstream } = exchange;
    if (request.headers.first(CONTENT_ENCODING) === undefined) return undefined;
    if (!hasBody(downstream.requestFraming)) return undefined;
    const decodings = decodingsOf(exchange, this.#options);
    if (decodings === undefined) {
      const accepts = this.#options.codings.join(", "); // RFC 9110 §15.5.16
      return refuse(exchange, "request_content_coding", { "accept-encoding": accepts });
    }
    const bytes = decodings.reduce((sum, decoding) => sum + MEMORY_BYTES[decoding], 0);
    if (bytes > 0 && !this.#memory.hasRoom(bytes, exchange.route!.limits.codecBytes)) {
      return refuse(exchange, "overloaded", { "retry-after": "1" });
    }
    request.headers.delete("content-encoding");
    if (decodings.length > 0) this.#begin(exchange, decodings); // else it was "identity"
    return undefined;
  }

  /** A response may be over before the body is, and then nobody else stops the stages. */
  finish(exchange: Exchange): undefined {
    if (exchange.decompression === undefined) return undefined;
    for (const stage of this.#stages.get(exchange) ?? []) stage.stop();
    return undefined;
  }

  explain({ decompression }: Exchange): readonly string[] {
    if (decompression === undefined) return [];
    const { maxBytes, maxRatio } = this.#options;
    const most = maxBytes === Number.POSITIVE_INFINITY ? "" : `${sizeText(maxBytes)} and `;
    return [
      `the body goes on as it is without ${decompression.coding}, at most ${most}${maxRatio} times what comes`,
    ];
  }

  #begin(exchange: Exchange, decodings: readonly Decoding[]): void {
    dropBodyFields(exchange.request.headers);
    exchange.decompression = { coding: decodings[0]!, plainBytes: 0 };
    const stages: Inflating[] = [];
    this.#stages.set(exchange, stages);
    for (const [index, decoding] of decodings.entries()) {
      const isLast = index === decodings.length - 1;
      stageRequest(exchange, (onward) => {
        const stage = this.#stage(exchange, onward, decoding, isLast);
        stages.push(stage);
        return stage;
      });
    }
  }

  #stage(exchange: Exchange, onward: Onward, decoding: Decoding, isLast: boolean): Inflating {
    const bytes = MEMORY_BYTES[decoding];
    let outBytes = 0;
    this.#memory.take(bytes);
    return new Inflating(onward, {
      open: (first, taker) => openDecoder(decoding, first, taker),
      judge: (count) => {
        outBytes += count;
        if (isLast) exchange.decompression!.plainBytes = outBytes;
        return faultOf(exchange, outBytes, this.#options);
      },
      over: () => this.#memory.giveBack(bytes),
      bug: (error) => this.#bug(error, exchange),
    });
  }
}

/** In the order in which they come off. undefined: not all of them are ours to take off. */
function decodingsOf(
  { request }: Exchange,
  { codings, maxLayers }: DecompressOptions,
): Decoding[] | undefined {
  const names = codingsOf(request.headers);
  if (names === undefined || names.length > maxLayers) return undefined;
  const decodings = names.map(decodingOf).filter((each) => each !== undefined);
  const areOurs = decodings.every((each) => codings.includes(each));
  return decodings.length === names.length && areOurs ? decodings : undefined;
}

/** The ratio is that of all layers together: to what has come over the wire. */
function faultOf(exchange: Exchange, bytes: number, options: DecompressOptions): Fault | undefined {
  if (bytes > exchange.route!.limits.bodyBytes) {
    return { code: "request_body_too_large", detail: `${bytes} when decompressed` };
  }
  if (bytes > options.maxBytes) {
    return { code: "request_content_too_large", detail: `${bytes} bytes` };
  }
  const came = exchange.requestBytes;
  if (bytes <= RATIO_FROM_BYTES || bytes <= came * options.maxRatio) return undefined;
  return { code: "request_content_too_large", detail: `${bytes} bytes of ${came}` };
}

function refuse(
  exchange: Exchange,
  code: FaultCode,
  headers: Readonly<Record<string, string>>,
): Reply {
  const detail = exchange.request.headers.all("content-encoding").join(", ");
  return refusal(exchange, { code, detail }, headers);
}
