/** A cache behind compression: what is coded once is coded for all, and is as true as what it was made of. */
import assert from "node:assert/strict";
import { CodecMemory } from "../../src/core/codec-memory.ts";
import type { Exchange } from "../../src/core/exchange.ts";
import { CodecLine } from "../../src/features/compress/codec-line.ts";
import { Compress } from "../../src/features/compress/compress.ts";
import { LEVELS } from "../../src/features/compress/compress-options.ts";
import { JobBuffers } from "../../src/features/compress/job-buffers.ts";
import type { Message } from "../support/message.ts";
import { cached, field, get, last, reply, silent } from "../support/sim-cached.ts";
import { SimEncoder } from "../support/sim-encoder.ts";
import type { SimAnswer } from "../support/sim-origin.ts";
import { type SimProxy, type SimProxyOptions, simulation } from "../support/sim-proxy.ts";
import { LaterClock } from "../support/sim-stages.ts";

interface Parts {
  readonly memory: CodecMemory;
  readonly encoder: SimEncoder;
  /** How many bodies were coded at once. */
  atOnce(): number;
}

interface Options extends SimProxyOptions {
  readonly isQuick?: boolean;
}

function codings(
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

const TEXT = { "Content-Type": "text/plain", "Cache-Control": "max-age=60", ETag: '"v1"' };
const GZIP = get("/", { "Accept-Encoding": "gzip" });
const KIB = 1024;
const SMALL = "0123456789abcdef".repeat(100);
const LARGE = "0123456789abcdef".repeat(8 * KIB);

function statusOf({ startLine }: Message): number {
  return Number(startLine.split(" ")[1]);
}

async function ask(proxy: SimProxy, text: string, method = "GET"): Promise<Message> {
  const client = await proxy.clientWith(text);
  await proxy.advance(200);
  return last(client, method);
}

/** What tells the coded one from the other; a body in chunks is put together. */
function told(message: Message): readonly (string | number | undefined)[] {
  const { body } = message;
  const names = ["content-encoding", "etag", "content-length"];
  return [statusOf(message), ...names.map((name) => field(message, name)), body.length];
}

for (const [isQuick, what] of [
  [true, "at once"],
  [false, "by a thread"],
] as const) {
  codings(
    `what is coded ${what} is coded once, whoever asks`,
    { ...cached(reply(SMALL, TEXT)), isQuick },
    async (proxy, { encoder, atOnce }) => {
      const miss = await ask(proxy, GZIP);
      assert.deepEqual(told(miss), [200, "gzip", 'W/"v1"', undefined, SMALL.length + 1]);
      await proxy.advance(100);

      for (let count = 0; count < 5; count++) {
        const hit = await ask(proxy, GZIP);
        const length = `${SMALL.length + 1}`;
        assert.deepEqual(told(hit), [200, "gzip", 'W/"v1"', length, SMALL.length + 1]);
        assert.equal(hit.body, `${SMALL}.`);
        assert.equal(field(hit, "vary"), "accept-encoding");
      }

      assert.equal(encoder.opened + atOnce(), 1);
      assert.equal(proxy.origin.requests.length, 1);
      const plain = await ask(proxy, get("/"));
      assert.deepEqual(told(plain), [200, undefined, '"v1"', `${SMALL.length}`, SMALL.length]);
    },
  );
}

codings(
  "what was stored for a client that takes none is coded once, for a crowd that asks together",
  cached(reply(LARGE, TEXT)),
  async (proxy, { encoder }) => {
    await ask(proxy, get("/"));
    const crowd = Array.from({ length: 50 }, () => proxy.client());
    for (const client of crowd) client.send(GZIP);
    await proxy.advance(2_000);

    for (const client of crowd) assert.ok(client.byteCount > LARGE.length, `${client.byteCount}`);
    assert.equal(encoder.opened, 1);
    assert.equal(proxy.origin.requests.length, 1);
    assert.equal(
      field(last(await proxy.clientWith(GZIP)), "content-length"),
      `${LARGE.length + 1}`,
    );
  },
);

codings(
  "a crowd that waits for one fetch reads one coding of it, while both are under way",
  cached(silent),
  async (proxy, { encoder }) => {
    const crowd = Array.from({ length: 50 }, () => proxy.client());
    for (const client of crowd) client.send(GZIP);
    await proxy.advance(20);
    const half = LARGE.length / 2;
    const head = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nCache-Control: max-age=60\r\nContent-Length: ${LARGE.length}\r\n\r\n`;
    proxy.origin.last.send(head + LARGE.slice(0, half));
    await proxy.advance(500);
    for (const client of crowd) assert.ok(client.byteCount > half * 0.9, "it streams");
    proxy.origin.last.send(LARGE.slice(half));
    await proxy.advance(500);

    for (const client of crowd) assert.ok(client.byteCount > LARGE.length, `${client.byteCount}`);
    assert.equal(encoder.opened, 1);
    assert.deepEqual(new Set(proxy.ends), new Set(["served"]));
    const plain = proxy.worker.over.map(({ compression }) => compression?.plainBytes);
    assert.deepEqual(new Set(plain), new Set([LARGE.length]));
  },
);

codings(
  "a slow reader of what is coded holds nobody back, and gets it all",
  { ...cached(reply(LARGE, TEXT)), timeouts: { write: 1e9 } },
  async (proxy) => {
    const slow = proxy.client();
    slow.send(GZIP);
    slow.pause();
    await proxy.advance(100);
    const other = await proxy.clientWith(GZIP);
    await proxy.advance(3_000);
    assert.ok(other.byteCount > LARGE.length);
    assert.ok(slow.byteCount < LARGE.length);

    slow.resume();
    await proxy.advance(3_000);
    assert.ok(slow.byteCount > LARGE.length, `${slow.byteCount}`);
  },
);

codings(
  "who leaves in the midst leaves the coding to those who come",
  cached(reply(LARGE, TEXT)),
  async (proxy, { encoder }) => {
    await ask(proxy, get("/"));
    const first = proxy.client();
    first.send(GZIP);
    await proxy.advance(3);
    first.reset();
    await proxy.advance(500);

    const hit = await ask(proxy, GZIP);

    assert.equal(field(hit, "content-length"), `${LARGE.length + 1}`);
    assert.equal(encoder.opened, 1);
  },
);

codings(
  "a response that breaks off is cut for all who read it coded, and nothing of it is kept",
  cached(silent),
  async (proxy) => {
    const client = proxy.client();
    client.send(GZIP);
    await proxy.advance(20);
    const head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nCache-Control: max-age=60\r\n";
    proxy.origin.last.send(
      `${head}Content-Length: ${LARGE.length}\r\n\r\n${LARGE.slice(0, 100_000)}`,
    );
    await proxy.advance(100);
    proxy.origin.last.reset();
    await proxy.advance(1000);
    console.log(
      client.byteCount,
      client.isClosed,
      client.hasFinished,
      proxy.ends,
      client.text.slice(-300),
    );

    assert.ok(client.hasFinished);
    assert.doesNotMatch(client.text, /\r\n0\r\n\r\n$/);
    assert.equal(proxy.cache!.caches.store.stats.objects, 0);
  },
);

const HUGE = "0123456789abcdef".repeat(200_000);
const HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nCache-Control: max-age=60\r\n";

for (const [what, answer] of [
  ["said", `${HEAD}Content-Length: ${HUGE.length}\r\n\r\n${HUGE}`],
  [
    "unsaid",
    `${HEAD}Transfer-Encoding: chunked\r\n\r\n${HUGE.length.toString(16)}\r\n${HUGE}\r\n0\r\n\r\n`,
  ],
] as const) {
  codings(
    `what turns out to be too large goes on, coded, for who reads it (its length is ${what})`,
    {
      ...cached(answer, { maxObject: "1MiB" }),
      timeouts: { write: 1e9, responseBody: 1e9 },
      rates: { minBytesPerSecond: 0, graceMs: 0 },
    },
    async (proxy) => {
      const client = proxy.client();
      const slow = proxy.client();
      client.send(GZIP);
      slow.send(GZIP);
      await proxy.advance(5);
      slow.pause();
      await proxy.advance(3_000);
      slow.resume();
      await proxy.advance(10_000);

      assert.ok(client.byteCount > HUGE.length, `${client.byteCount}`);
      assert.ok(slow.byteCount > HUGE.length, `${slow.byteCount}`);
      assert.equal(proxy.cache!.caches.store.stats.objects, 0);
    },
  );
}

codings(
  "a 304 freshens the coded one with the other, and a 200 makes both anew",
  cached((connection, { fields }) => {
    const tag = fields.find(([name]) => name.toLowerCase() === "if-none-match")?.[1];
    if (tag === '"v1"')
      connection.send('HTTP/1.1 304 X\r\nETag: "v1"\r\nCache-Control: max-age=60\r\n\r\n');
    else connection.send(reply(SMALL, TEXT));
  }),
  async (proxy, { atOnce }) => {
    await ask(proxy, GZIP);
    await ask(proxy, GZIP);
    await proxy.advance(61_000);
    const again = await ask(proxy, GZIP);
    assert.deepEqual(told(again).slice(0, 4), [200, "gzip", 'W/"v1"', `${SMALL.length + 1}`]);
    assert.equal(proxy.origin.requests.length, 2);
    assert.equal(atOnce(), 1);

    proxy.origin.answer = reply(`${SMALL}new`, { ...TEXT, ETag: '"v2"' });
    await proxy.advance(61_000);
    const fresh = await ask(proxy, GZIP);
    assert.equal(fresh.body, `${SMALL}new.`);
    assert.equal(field(fresh, "etag"), 'W/"v2"');
    assert.equal(atOnce(), 2);
  },
);

codings(
  "a purge takes the coded one with it",
  cached(reply(SMALL, TEXT)),
  async (proxy, { atOnce }) => {
    await ask(proxy, GZIP);
    proxy.cache!.caches.purge({ kind: "url", value: "http://a.test/", isSoft: false });

    await ask(proxy, GZIP);

    assert.equal(proxy.origin.requests.length, 2);
    assert.equal(atOnce(), 2);
  },
);

codings(
  "HEAD says what GET would get, and makes nothing",
  cached(reply(SMALL, TEXT)),
  async (proxy, { atOnce, encoder }) => {
    const head = GZIP.replace("GET", "HEAD");
    await ask(proxy, get("/"));
    const cold = await ask(proxy, head, "HEAD");
    assert.deepEqual(told(cold), [200, "gzip", 'W/"v1"', undefined, 0]);
    assert.equal(atOnce() + encoder.opened, 0);

    await ask(proxy, GZIP);
    const warm = await ask(proxy, head, "HEAD");

    assert.deepEqual(told(warm), [200, "gzip", 'W/"v1"', `${SMALL.length + 1}`, 0]);
    assert.equal(atOnce(), 1);
  },
);

codings(
  "conditions hold by either tag, and parts are parts of the content as it came",
  cached(reply(SMALL, TEXT)),
  async (proxy) => {
    await ask(proxy, GZIP);
    const withTag = (tag: string, more = {}) =>
      ask(proxy, get("/", { "Accept-Encoding": "gzip", "If-None-Match": tag, ...more }));

    const weak = await withTag('W/"v1"');
    const strong = await withTag('"v1"');
    const other = await withTag('W/"v2"');
    assert.deepEqual([statusOf(weak), field(weak, "etag")], [304, 'W/"v1"']);
    assert.deepEqual([statusOf(strong), field(strong, "etag")], [304, '"v1"']);
    assert.deepEqual(told(other).slice(0, 2), [200, "gzip"]);

    const range = { "Accept-Encoding": "gzip", Range: "bytes=0-3" };
    const part = await ask(proxy, get("/", range));
    assert.deepEqual([...told(part), part.body], [206, undefined, '"v1"', "4", 4, "0123"]);
    const held = await ask(proxy, get("/", { ...range, "If-Range": 'W/"v1"' }));
    assert.deepEqual(told(held), [200, undefined, '"v1"', `${SMALL.length}`, SMALL.length]);
  },
);

const VARYING: SimAnswer = (connection, { fields }) => {
  const accept = fields.find(([name]) => name.toLowerCase() === "accept-encoding")?.[1];
  const more = accept === "br" ? { "Content-Encoding": "br" } : {};
  connection.send(reply(`${accept} ${SMALL}`, { ...TEXT, Vary: "Accept-Encoding", ...more }));
};

codings(
  "what the origin codes itself and varies by stays apart, each with its own",
  cached(VARYING),
  async (proxy, { atOnce }) => {
    for (let round = 0; round < 2; round++) {
      const gzip = await ask(proxy, GZIP);
      const br = await ask(proxy, get("/", { "Accept-Encoding": "br" }));
      const none = await ask(proxy, get("/"));
      assert.equal(gzip.body, `gzip ${SMALL}.`);
      assert.deepEqual([br.body, field(br, "etag")], [`br ${SMALL}`, '"v1"']);
      assert.equal(none.body, `undefined ${SMALL}`);
    }
    assert.equal(proxy.origin.requests.length, 3);
    assert.equal(atOnce(), 1);
  },
);

codings(
  "limits.codecBytes: what would exceed it goes out as it is, and what is coded already still does coded",
  { ...cached(reply(LARGE, TEXT)), limits: { codecBytes: 0 } },
  async (proxy, { memory }) => {
    await ask(proxy, GZIP);
    await proxy.advance(100);
    memory.take(1);

    const coded = await ask(proxy, GZIP);
    const plain = await ask(proxy, get("/b", { "Accept-Encoding": "gzip" }));
    memory.giveBack(1);

    assert.equal(field(coded, "content-encoding"), "gzip");
    assert.equal(field(plain, "content-encoding"), undefined);
  },
);
