import { availableParallelism } from "node:os";
import type { Clock } from "../../base/world.ts";
import { type BodyStage, type Onward, stageResponse } from "../../core/body-stage.ts";
import { CodecMemory } from "../../core/codec-memory.ts";
import type { Compression, Exchange, ResponseHead } from "../../core/exchange.ts";
import type { Feature } from "../../core/feature.ts";
import { sizeText } from "../../core/fields.ts";
import type { Filter } from "../../core/filter.ts";
import type { ContentCoder } from "../../core/kept-content.ts";
import type { Machine } from "../../core/machine.ts";
import {
  type CodingRules,
  chooseCoding,
  type PlainReason,
  whyPlainFor,
} from "../../protocol/http/coding-choice.ts";
import {
  acceptEncodingOf,
  type Coding,
  CodingOffers,
  dropBodyFields,
} from "../../protocol/http/content-coding.ts";
import { idOf } from "../../protocol/http/header-id.ts";
import type { HeaderList } from "../../protocol/http/header-list.ts";
import { MediaTypes } from "../../protocol/http/media-types.ts";
import {
  addVary,
  strengthenIfMatch,
  weakenTag,
  weakenTagOf304,
} from "../../protocol/http/variant.ts";
import { CodecLine } from "./codec-line.ts";
import {
  type CompressOptions,
  compressSchema,
  KEPT_LEVELS,
  LEVELS,
  QUICK_LEVELS,
} from "./compress-options.ts";
import { Compressing, WHOLE_BYTES_MAX } from "./compressing.ts";
import { type Encoder, encoderOf, type Levels } from "./encoders.ts";
import { JobBuffers } from "./job-buffers.ts";

/** What a filter needs of its worker; tests have an encoder of their own. */
export interface CompressTools {
  readonly clock: Clock;
  readonly memory: CodecMemory;
  readonly buffers: JobBuffers;
  readonly line: CodecLine;
  encoderOf(coding: Coding, level: number): Encoder;
  bug(error: unknown, exchange: Exchange | undefined): void;
}

export const compress: Feature<CompressOptions, Filter> = {
  name: "compress",
  kind: "filter",
  about: "Compresses responses for clients that take that: true, false, or how.",
  schema: compressSchema,

  build(options, tools) {
    if (options.codings.length === 0) return { name: "compress" };
    return new Compress(options, {
      clock: tools.world.clock,
      memory: tools.keepForAll("codec memory", () => new CodecMemory()),
      buffers: tools.keepForAll("compress buffers", () => new JobBuffers()),
      line: tools.keepForAll("compress line", () => new CodecLine(threadsOf(tools.machine))),
      encoderOf: (coding, level) =>
        tools.keepForAll(`encoder ${coding} ${level}`, () => encoderOf(coding, level)),
      bug: tools.bug,
    });
  },
};

const THREADS_MAX = 3; // Node has four, for all workers: one is left for others

/** Half of the machine is for event loops. */
function threadsOf({ workers }: Machine): number {
  const share = Math.floor(availableParallelism() / 2 / workers);
  return Math.min(THREADS_MAX, Math.max(1, share));
}

const CONTENT_LENGTH = idOf("content-length");
const CONTENT_TYPE = idOf("content-type");

/** Content that is a stream of messages: each is for somebody who waits for it. */
const MESSAGES = new MediaTypes([
  "text/event-stream",
  "application/x-ndjson",
  "application/ndjson",
  "application/jsonl",
  "application/json-seq",
  "application/stream+json",
  "multipart/x-mixed-replace",
]);

export class Compress implements Filter {
  readonly name = "compress";
  readonly #tools: CompressTools;
  readonly #typeCount: number;
  readonly #isOurs: boolean; // upstreams are not told what the client takes
  readonly #rules: CodingRules;
  readonly #coders: ReadonlyMap<Coding, Coder>;
  readonly #quickCoders: ReadonlyMap<Coding, Coder>; // while there is more to do than can be done
  readonly #keptCoders: ReadonlyMap<Coding, Coder>; // of what is kept

  constructor(options: CompressOptions, tools: CompressTools) {
    const { codings, types, minBytes, levels, forwardAcceptEncoding } = options;
    this.#tools = tools;
    this.#typeCount = types.length;
    this.#isOurs = !forwardAcceptEncoding;
    this.#rules = {
      offers: new CodingOffers(codings),
      types: new MediaTypes(types),
      bytesMin: minBytes,
    };
    const codersOf = (defaults: Levels, most?: Levels) =>
      new Map(
        codings.map((coding) => {
          const level = levels[coding] ?? defaults[coding];
          const encoder = tools.encoderOf(coding, Math.min(level, most?.[coding] ?? level));
          return [coding, new Coder(encoder, tools)];
        }),
      );
    this.#coders = codersOf(LEVELS);
    this.#quickCoders = codersOf(LEVELS, QUICK_LEVELS);
    this.#keptCoders = codersOf(KEPT_LEVELS);
  }

  rewrite(exchange: Exchange): undefined {
    const { method, headers } = exchange.request;
    if (method !== "GET" && method !== "HEAD") strengthenIfMatch(headers);
    if (!this.#isOurs) return undefined;
    compressionOf(exchange);
    headers.delete("accept-encoding");
    return undefined;
  }

  respond(exchange: Exchange): undefined {
    const { request } = exchange;
    const response = exchange.response!; // there is one in this phase
    const facts = compressionOf(exchange);
    const { accept } = facts;
    const known = { accept, bytes: bytesOf(exchange, response) };
    const { coding, why, varies } = chooseCoding(request, response, known, this.#rules);
    if (varies) addVary(response.headers, "accept-encoding");
    facts.coding = undefined;
    facts.why = why;
    if (coding !== undefined) this.#code(exchange, response, facts, coding);
    else if (response.status === 304) this.#agree(request.headers, response.headers);
    return undefined;
  }

  explain(exchange: Exchange): readonly string[] {
    const { request, response, compression } = exchange;
    if (response !== undefined) {
      const { coding, why } = compression ?? {};
      const bytes = compression?.plainBytes ?? 0;
      if (coding !== undefined) return [bytes > 0 ? `${coding}, of ${bytes} bytes` : coding];
      return why === undefined ? [] : [`no: ${WHY[why]}`];
    }
    const { accept } = compressionOf(exchange);
    const why = whyPlainFor(request);
    if (why !== undefined) return [`no: ${WHY[why]}`];
    const coding = this.#rules.offers.preferred(accept);
    if (coding === undefined) return [`no: ${WHY.accept}`];
    const size = sizeText(this.#rules.bytesMin);
    return [
      `${coding}, if the response has one of ${this.#typeCount} types and does not say to be below ${size},`,
      "and is whole, not compressed yet and free to be changed",
    ];
  }

  #code(exchange: Exchange, response: ResponseHead, facts: Compression, coding: Coding): void {
    const { memory, line } = this.#tools;
    const { headers } = response;
    const { codecBytes } = exchange.route!.limits;
    // What another filter changes for this one client is no longer what is kept.
    const content = exchange.responseStages === undefined ? exchange.content : undefined;
    const kept = content && this.#keptCoders.get(coding)!; // of those that are offered
    const keptHasRoom = kept !== undefined && memory.hasRoom(kept.memoryBytes, codecBytes);
    const framing = kept && content.inCoding(kept, headers, keptHasRoom);
    const coder = (line.isLong ? this.#quickCoders : this.#coders).get(coding)!;
    const isHead = exchange.request.method === "HEAD";
    if (framing === undefined && !isHead && !memory.hasRoom(coder.memoryBytes, codecBytes)) {
      facts.why = "busy";
      return;
    }
    facts.coding = coding;
    dropBodyFields(headers);
    headers.delete("accept-ranges"); // parts of what the origin has are not parts of this
    headers.set("content-encoding", coding);
    weakenTag(headers);
    if (framing === undefined) {
      stageResponse(exchange, (onward) => coder.stageOf(exchange, onward, headers));
      return;
    }
    const { responseFraming } = exchange;
    if (responseFraming.kind === "length" && !isHead) facts.plainBytes = responseFraming.bytes;
    exchange.responseFraming = framing;
  }

  /** A 304 has no type to go by, so it may name a field too many in Vary, which does no harm. */
  #agree(request: HeaderList, headers: HeaderList): void {
    addVary(headers, "accept-encoding");
    weakenTagOf304(request, headers);
  }
}

/** One coding at one level. */
class Coder implements ContentCoder {
  readonly coding: Coding;
  readonly wholeBytesMax: number;
  readonly memoryBytes: number;
  readonly #encoder: Encoder;
  readonly #tools: CompressTools;

  constructor(encoder: Encoder, tools: CompressTools) {
    this.coding = encoder.coding;
    this.wholeBytesMax = encoder.whole === undefined ? 0 : WHOLE_BYTES_MAX;
    this.memoryBytes = encoder.memoryBytes;
    this.#encoder = encoder;
    this.#tools = tools;
  }

  whole(body: Buffer): Buffer {
    return this.#encoder.whole!(body); // by wholeBytesMax
  }

  stage(onward: Onward, headers: HeaderList): BodyStage {
    return this.#stage(onward, headers, undefined);
  }

  /** Of what this one client gets. */
  stageOf(exchange: Exchange, onward: Onward, headers: HeaderList): BodyStage {
    return this.#stage(onward, headers, exchange);
  }

  #stage(onward: Onward, headers: HeaderList, exchange: Exchange | undefined): BodyStage {
    const { memory, clock, buffers, line, bug } = this.#tools;
    const { memoryBytes, open, whole } = this.#encoder;
    const facts = exchange?.compression;
    memory.take(memoryBytes);
    return new Compressing(onward, {
      ...{ whole, clock, buffers },
      open: (taker) => line.open(open, taker),
      flushesReads: MESSAGES.has(headers.first(CONTENT_TYPE)!), // it has a type, or no coding
      count: (bytes) => {
        if (facts !== undefined) facts.plainBytes += bytes;
      },
      over: () => memory.giveBack(memoryBytes),
      bug: (error) => bug(error, exchange),
    });
  }
}

const WHY: Readonly<Record<PlainReason, string>> = {
  status: "no status whose body is compressed",
  coded: "it is compressed already",
  no_transform: "Cache-Control: no-transform",
  type: "its type is none that is compressed",
  small: "it is too small",
  range: "a range was asked for",
  version: "the client speaks HTTP/1.0",
  accept: "the client takes none of the codings",
  busy: "limits.codecBytes is reached",
};

/** HEAD has no body, but says how long that of GET is. */
function bytesOf({ responseFraming }: Exchange, { headers }: ResponseHead): number | undefined {
  if (responseFraming.kind === "length") return responseFraming.bytes;
  const told = responseFraming.kind === "none" ? headers.first(CONTENT_LENGTH) : undefined;
  return told === undefined ? undefined : Number(told);
}

function compressionOf(exchange: Exchange): Compression {
  exchange.compression ??= {
    accept: acceptEncodingOf(exchange.request.headers),
    coding: undefined,
    why: undefined,
    plainBytes: 0,
  };
  return exchange.compression;
}
