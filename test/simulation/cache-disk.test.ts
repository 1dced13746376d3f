/** A route with a cache whose memory holds nothing: all that is stored comes from a disk. */
import assert from "node:assert/strict";
import type { Message } from "../support/message.ts";
import { ask, asked, cached, FRESH, field, get, reply, results } from "../support/sim-cached.ts";
import { SimFiles } from "../support/sim-files.ts";
import { type SimProxy, type SimProxyOptions, simulation } from "../support/sim-proxy.ts";

const LARGE = "0123456789abcdef".repeat(12_500); // four blocks, nearly
const statusOf = ({ startLine }: Message) => Number(startLine.split(" ")[1]);
const TAGGED = { ...FRESH, ETag: '"a"', "Cache-Tag": "news" };

/** `memoryBytes`: what is in flight is counted there, so that there has to be some. */
function onDisk(more: Partial<SimProxyOptions> = {}): {
  files: SimFiles;
  options: SimProxyOptions;
} {
  const files = new SimFiles();
  const disk = { files, memoryBytes: 1024 * 1024 };
  return { files, options: cached(reply(LARGE, TAGGED), "on", { disk, ...more }) };
}

/** Memory forgets: what is asked for from now on is looked for on disk. */
async function forgetMemory(proxy: SimProxy): Promise<void> {
  await proxy.advance(10);
  proxy.cache!.caches.resize(0);
  proxy.cache!.caches.resize(1024 * 1024);
}

async function warm(proxy: SimProxy): Promise<void> {
  await ask(proxy, get("/a"));
  await forgetMemory(proxy);
}

const plain = onDisk();
simulation("cache on disk: a hit is whole, and asks nobody", plain.options, async (proxy) => {
  await warm(proxy);
  const second = await ask(proxy, get("/a"));

  assert.equal(second.body, LARGE);
  assert.match(field(second, "cache-status")!, /^Sluice; hit; ttl=59/);
  assert.equal(results(proxy), "miss hit");
  assert.deepEqual(asked(proxy), ["/a"]);
});

simulation(
  "cache on disk: HEAD, a range, and what the client has already",
  onDisk().options,
  async (proxy) => {
    await warm(proxy);
    const head = await ask(proxy, get("/a").replace("GET", "HEAD"), "HEAD");
    const range = await ask(proxy, get("/a", { Range: "bytes=131000-131100" }));
    const suffix = await ask(proxy, get("/a", { Range: "bytes=-7" }));
    const same = await ask(proxy, get("/a", { "If-None-Match": '"a"' }));
    const beyond = await ask(proxy, get("/a", { Range: "bytes=9999999-" }));

    assert.deepEqual([statusOf(head), field(head, "content-length")], [200, String(LARGE.length)]);
    assert.deepEqual([statusOf(range), range.body], [206, LARGE.slice(131_000, 131_101)]);
    assert.equal(suffix.body, LARGE.slice(-7));
    assert.equal(statusOf(same), 304);
    assert.equal(statusOf(beyond), 416);
    assert.deepEqual(asked(proxy), ["/a"]);
  },
);

simulation(
  "cache on disk: what is stale is asked about, and a 304 makes it fresh for later, too",
  cached(
    (connection, { fields }) => {
      const isAsked = fields.some(([name]) => name === "If-None-Match");
      const newer = 'HTTP/1.1 304 X\r\nETag: "a"\r\nX-A: new\r\nCache-Control: max-age=60\r\n\r\n';
      connection.send(isAsked ? newer : reply(LARGE, TAGGED));
    },
    "on",
    { disk: { files: new SimFiles(), memoryBytes: 1024 * 1024 } },
  ),
  async (proxy) => {
    await warm(proxy);
    await proxy.advance(60_000);
    const second = await ask(proxy, get("/a"));
    await forgetMemory(proxy);
    const third = await ask(proxy, get("/a"));

    assert.deepEqual([second.body, field(second, "x-a")], [LARGE, "new"]);
    assert.deepEqual([third.body, field(third, "x-a")], [LARGE, "new"]);
    assert.equal(results(proxy), "miss revalidated hit");
  },
);

simulation(
  "cache on disk: many at once are read one body each, at their own pace",
  onDisk().options,
  async (proxy) => {
    await warm(proxy);
    const slow = await proxy.client();
    slow.pause();
    slow.send(get("/a"));
    const others = await Promise.all(Array.from({ length: 20 }, () => proxy.clientWith(get("/a"))));
    await proxy.advance(1_000);

    assert.ok(others.every(({ text }) => text.endsWith(LARGE)));
    assert.equal(slow.byteCount, 0);
    slow.resume();
    await proxy.advance(1_000);
    assert.ok(slow.text.endsWith(LARGE));
    assert.deepEqual(asked(proxy), ["/a"]);
  },
);

simulation(
  "cache on disk: who leaves while it is looked up, or in the midst of a body, leaves nothing behind",
  onDisk().options,
  async (proxy) => {
    await warm(proxy);
    const { files } = proxy.cacheDisk!;
    const before = files.openCount;
    for (const held of [true, false]) {
      let go = () => {};
      if (held) {
        files.hold = new Promise((resolve) => {
          go = resolve;
        });
      }
      const client = await proxy.client();
      client.pause();
      client.send(get("/a"));
      await proxy.advance(100);
      client.reset();
      await proxy.advance(100);
      files.hold = undefined;
      go();
      await proxy.advance(100);
    }

    assert.equal(files.openCount, before);
    assert.equal((await ask(proxy, get("/a"))).body, LARGE);
  },
);

simulation(
  "cache on disk: a disk that hangs costs a second, and the origin is asked",
  onDisk().options,
  async (proxy) => {
    await warm(proxy);
    let go = () => {};
    proxy.cacheDisk!.files.hold = new Promise((resolve) => {
      go = resolve;
    });
    const client = await proxy.clientWith(get("/a"));
    await proxy.advance(1_100);

    assert.ok(client.text.endsWith(LARGE));
    assert.equal(results(proxy), "miss miss");
    proxy.cacheDisk!.files.hold = undefined;
    go();
  },
);

simulation(
  "cache on disk: a body that is not as it was written is cut, and not served wrong",
  onDisk().options,
  async (proxy) => {
    await warm(proxy);
    const { files } = proxy.cacheDisk!;
    const [segment] = [...files.inodes].filter(([name]) => name.endsWith(".seg"));
    segment![1].bytes[segment![1].bytes.length - 100]! ^= 1;
    const client = await proxy.clientWith(get("/a"));
    await proxy.advance(100);

    assert.ok(client.hasFinished || client.isClosed);
    const body = client.text.slice(client.text.indexOf("\r\n\r\n") + 4);
    assert.ok(body.length < LARGE.length && LARGE.startsWith(body), `${body.length}`);
    assert.equal(proxy.worker.over.at(-1)!.fault?.code, "cache_unreadable");
  },
);

simulation(
  "cache on disk: a purge holds for who is being looked up",
  onDisk().options,
  async (proxy) => {
    await warm(proxy);
    const { files } = proxy.cacheDisk!;
    let go = () => {};
    files.hold = new Promise((resolve) => {
      go = resolve;
    });
    const client = await proxy.clientWith(get("/a"));
    void proxy.cache!.caches.purge({ kind: "tag", value: "news", isSoft: false });
    files.hold = undefined;
    go();
    await proxy.advance(100);

    assert.ok(client.text.endsWith(LARGE));
    assert.deepEqual(asked(proxy), ["/a", "/a"]);
  },
);

simulation(
  "cache on disk: a POST makes it worthless there, too",
  onDisk().options,
  async (proxy) => {
    await warm(proxy);
    await ask(proxy, "POST /a HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n", "POST");
    await forgetMemory(proxy);
    await ask(proxy, get("/a"));

    assert.deepEqual(asked(proxy), ["/a", "/a", "/a"]);
  },
);

simulation(
  "cache on disk: only-if-cached is answered from disk, and refused where nothing is",
  (() => {
    const { options } = onDisk();
    return { ...options, cache: { clientControl: "obey" } };
  })(),
  async (proxy) => {
    await warm(proxy);
    const control = { "Cache-Control": "only-if-cached" };

    assert.equal((await ask(proxy, get("/a", control))).body, LARGE);
    assert.equal(statusOf(await ask(proxy, get("/b", control))), 504);
  },
);
