/** A simulated proxy with a cache behind compression. */
import assert from "node:assert/strict";
import { CodecMemory } from "../../src/core/codec-memory.ts";
import type { Exchange } from "../../src/core/exchange.ts";
import { CodecLine } from "../../src/features/compress/codec-line.ts";
import { Compress } from "../../src/features/compress/compress.ts";
import { LEVELS } from "../../src/features/compress/compress-options.ts";
import { JobBuffers } from "../../src/features/compress/job-buffers.ts";
import { get } from "./sim-cached.ts";
import { SimEncoder } from "./sim-encoder.ts";
import { type SimProxy, type SimProxyOptions, simulation } from "./sim-proxy.ts";
import { LaterClock } from "./sim-stages.ts";

export const GZIP = get("/", { "Accept-Encoding": "gzip" });

/** Of a response that may be stored, up to its framing. */
export const HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nCache-Control: max-age=60\r\n";

interface Parts {
  readonly memory: CodecMemory;
  readonly encoder: SimEncoder;
  /** How many bodies were coded at once. */
  atOnce(): number;
}

interface Options extends SimProxyOptions {
  readonly isQuick?: boolean;
}

export function codings(
  name: string,
  options: Options,
  act: (proxy: SimProxy, parts: Parts) => Promise<void>,
): void {
  const clock = new LaterClock();
  const memory = new CodecMemory();
  const encoder = new SimEncoder(clock, options.isQuick ?? true);
  let count = 0;
  const { whole } = encoder;
  const counting =
    whole &&
    ((body: Uint8Array) => {
      count++;
      return whole(body);
    });
  Object.assign(encoder, { whole: counting });
  const filter = new Compress(
    {
      ...{ codings: ["gzip"], levels: LEVELS, types: ["text/*"], minBytes: 10 },
      forwardAcceptEncoding: true,
    },
    {
      ...{
        clock,
        memory,
        buffers: new JobBuffers(),
        line: new CodecLine(2),
        encoderOf: () => encoder,
      },
      bug: (error) => {
        throw error;
      },
    },
  );
  const respond = [(exchange: Exchange) => filter.respond(exchange)];
  simulation(`codings in the cache: ${name}`, { ...options, respond }, async (proxy) => {
    clock.proxy = proxy;
    await act(proxy, { memory, encoder, atOnce: () => count });
    for (const connection of proxy.origin.connections) connection.close();
    await proxy.advance(1_000);
    assert.deepEqual([memory.bytes, encoder.openCount], [0, 0], "memory and encoders");
  });
}
