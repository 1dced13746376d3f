/** Responses that are compressed, in simulated time: how soon they come, what is held, what is left. */
import assert from "node:assert/strict";
import { CodecMemory } from "../../src/core/codec-memory.ts";
import type { Exchange } from "../../src/core/exchange.ts";
import { CodecLine } from "../../src/features/compress/codec-line.ts";
import { Compress } from "../../src/features/compress/compress.ts";
import { LEVELS } from "../../src/features/compress/compress-options.ts";
import { JobBuffers } from "../../src/features/compress/job-buffers.ts";
import { SimEncoder } from "../support/sim-encoder.ts";
import type { SimPeer } from "../support/sim-peer.ts";
import { type SimProxy, type SimProxyOptions, simulation } from "../support/sim-proxy.ts";
import { LaterClock } from "../support/sim-stages.ts";

const GET = "GET / HTTP/1.1\r\nHost: a.test\r\nAccept-Encoding: gzip\r\n\r\n";
const HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";
const CHUNKED = `${HEAD}Transfer-Encoding: chunked\r\n\r\n`;
const EVENTS = CHUNKED.replace("text/plain", "text/event-stream");
const KIB = 1024;
const PATIENT = {
  timeouts: { write: 1e9, responseBody: 1e9, responseHead: 1e9 },
  rates: { minBytesPerSecond: 0, graceMs: 0 },
} as const;

interface Parts {
  readonly memory: CodecMemory;
  readonly encoder: SimEncoder;
}

/** A simulation with one filter that compresses. It ends with every encoder closed and all memory back. */
function compressing(
  name: string,
  options: SimProxyOptions & { readonly isQuick?: boolean },
  act: (proxy: SimProxy, parts: Parts) => Promise<void>,
): void {
  const clock = new LaterClock();
  const memory = new CodecMemory();
  const encoder = new SimEncoder(clock, options.isQuick ?? true);
  const filter = new Compress(
    {
      ...{ codings: ["gzip"], levels: LEVELS, types: ["text/*"], minBytes: 0 },
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
  const phases = {
    before: [(exchange: Exchange) => filter.rewrite(exchange)],
    respond: [(exchange: Exchange) => filter.respond(exchange)],
  };
  simulation(`compress: ${name}`, { ...options, phases }, async (proxy) => {
    clock.proxy = proxy;
    await act(proxy, { memory, encoder });
    for (const connection of proxy.origin.connections) connection.close();
    await proxy.advance(1_000);
    assert.deepEqual([memory.bytes, encoder.openCount], [0, 0], "memory and encoders");
  });
}

/** What has come of the first body, without its chunks. */
function bodyOf({ text }: SimPeer): string {
  let at = text.indexOf("\r\n\r\n") + 4;
  let body = "";
  for (;;) {
    const lineEnd = text.indexOf("\r\n", at);
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    if (lineEnd < 0 || !(size > 0)) return body;
    body += text.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
  }
}

const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
const LAST = "0\r\n\r\n";

compressing(
  "an event is with the client within milliseconds, and so is the head",
  { origins: [(connection) => connection.send(EVENTS)], network: { splits: false } },
  async (proxy) => {
    const client = await proxy.clientWith(GET);
    assert.match(client.text, /content-encoding: gzip/);
    let sent = "";

    for (let number = 0; number < 5; number++) {
      await proxy.advance(3_000);
      const event = `data: ${number}\n\n`;
      sent += event;
      proxy.origin.last.send(chunk(event));
      await proxy.advance(5);
      assert.equal(bodyOf(client), sent);
    }
    proxy.origin.last.send(LAST);
    await proxy.advance(10);

    assert.equal(bodyOf(client), `${sent}.`);
    assert.deepEqual(proxy.ends, ["served"]);
  },
);

compressing(
  "anything else that trickles is with the client when nothing has followed for 50 ms",
  { origins: [(connection) => connection.send(CHUNKED + chunk("a"))], network: { splits: false } },
  async (proxy, { encoder }) => {
    const client = await proxy.clientWith(GET);
    await proxy.advance(30);
    proxy.origin.last.send(chunk("b"));
    await proxy.advance(45);
    assert.equal(client.text, "", "not even the head yet");
    await proxy.advance(10);

    assert.equal(bodyOf(client), "ab");
    assert.equal(encoder.opened, 1);
    proxy.origin.last.send(LAST);
  },
);

compressing(
  "what comes at once needs no encoder and leaves in one piece",
  {
    origins: [(connection) => connection.send(`${HEAD}Content-Length: 5\r\n\r\nhello`)],
    network: { splits: false },
  },
  async (proxy, { encoder }) => {
    const client = await proxy.clientWith(GET + GET);
    await proxy.advance(20);

    assert.equal(client.text.match(/6\r\nhello\.\r\n0\r\n\r\n/g)?.length, 2);
    assert.equal(encoder.opened, 0);
    assert.equal(proxy.lastOver.compression?.plainBytes, 5);
  },
);

compressing(
  "a client that takes nothing holds the endpoint back, and little is kept",
  {
    ...PATIENT,
    network: { splits: false },
    origins: [
      (connection) => {
        connection.send(`${HEAD}Content-Length: ${4096 * KIB}\r\n\r\n`);
        connection.sendBytes(Buffer.alloc(4096 * KIB, "x"));
      },
    ],
  },
  async (proxy) => {
    const client = proxy.client();
    client.pause();
    client.send(GET);
    await proxy.advance(60_000);
    const plainBytes = proxy.worker.begun[0]!.compression!.plainBytes;
    client.resume();
    await proxy.advanceUntil(() => proxy.ends.length === 1, 600_000, 5);
    await proxy.advance(50);

    assert.ok(plainBytes < 1024 * KIB, `${plainBytes} bytes taken from the endpoint`);
    assert.equal(proxy.lastOver.responseBytes, 4096 * KIB + 1);
    assert.ok(client.byteCount > 4096 * KIB);
  },
);

compressing(
  "where there is no room for another encoder the response goes out as it is",
  {
    limits: { codecBytes: 1 },
    network: { splits: false },
    origins: [(connection) => connection.send(CHUNKED + chunk("a"))],
  },
  async (proxy) => {
    const first = await proxy.clientWith(GET);
    const second = await proxy.clientWith(GET);
    for (const connection of proxy.origin.connections) connection.send(LAST);
    await proxy.advance(100);
    const third = await proxy.clientWith(GET);
    proxy.origin.last.send(LAST);
    await proxy.advance(100);

    assert.deepEqual([bodyOf(first), bodyOf(second), bodyOf(third)], ["a.", "a", "a."]);
    assert.match(second.text, /vary: accept-encoding/);
    assert.equal(
      proxy.worker.over.filter(({ compression }) => compression?.why === "busy").length,
      1,
    );
  },
);

// The whole conversation, and either side gone after each part of it.
const PIECES = [EVENTS, chunk("one"), chunk("two".repeat(30_000)), chunk("three"), LAST];

for (const isQuick of [true, false]) {
  for (const who of ["client", "endpoint"] as const) {
    compressing(
      `a ${who} that is gone at any moment leaves nothing behind (${isQuick ? "quick" : "slow"})`,
      { isQuick, origins: [() => {}], network: { splits: false } },
      async (proxy) => {
        for (let moment = 0; moment <= PIECES.length * 4; moment++) {
          const client = await proxy.clientWith(GET);
          const origin = proxy.origin.last;
          for (let step = 0; step < moment; step++) {
            if (step % 4 === 0) origin.send(PIECES[step / 4]!);
            else await proxy.advance(1);
          }
          if (who === "client") client.reset();
          else origin.reset();
          await proxy.advance(200);
          const isWhole = client.text.endsWith(LAST);
          assert.equal(bodyOf(client).endsWith("."), isWhole, "whole or cut, and it shows");
          client.close();
          origin.close();
          await proxy.advance(100);
        }
        assert.equal(proxy.ends.length, PIECES.length * 4 + 1);
      },
    );
  }
}

compressing(
  "the body of an endpoint split at every byte",
  { origins: [() => {}], network: { splits: false } },
  async (proxy) => {
    const response = `${CHUNKED}${chunk("hello")}${chunk("again")}${LAST}`;
    for (let at = 1; at < response.length; at++) {
      const client = await proxy.clientWith(GET);
      proxy.origin.last.send(response.slice(0, at));
      await proxy.advance(at % 3 === 0 ? 80 : 1);
      proxy.origin.last.send(response.slice(at));
      await proxy.advance(20);
      assert.equal(bodyOf(client), "helloagain.", `split at ${at}`);
      client.close();
      await proxy.advance(20);
    }
  },
);
