/** Many clients, one request: who waits for whom, and for how long. */
import assert from "node:assert/strict";
import {
  ask,
  cached,
  FRESH,
  field,
  get,
  last,
  reply,
  results,
  silent,
} from "../support/sim-cached.ts";
import type { SimOriginConnection } from "../support/sim-origin.ts";
import type { SimPeer } from "../support/sim-peer.ts";
import { type SimProxy, simulation } from "../support/sim-proxy.ts";

async function crowd(proxy: SimProxy, size: number, text = get("/a")): Promise<SimPeer[]> {
  const clients: SimPeer[] = [];
  for (let count = 0; count < size; count++) {
    const client = proxy.client();
    client.send(text);
    clients.push(client);
  }
  await proxy.advance(20);
  return clients;
}

const MIB = "0123456789abcdef".repeat(65_536);

simulation(
  "coalescing: 500 who ask at once for a cold object of 1 MiB that takes 2 s are one request",
  cached((connection) => {
    for (let part = 0; part < 20; part++) {
      const from = (part * MIB.length) / 20;
      const bytes = MIB.slice(from, from + MIB.length / 20);
      const head = `HTTP/1.1 200 OK\r\nContent-Length: ${MIB.length}\r\nCache-Control: max-age=60\r\n\r\n`;
      setTimeoutOn(connection, part * 100, () =>
        connection.send(part === 0 ? head + bytes : bytes),
      );
    }
  }),
  async (proxy) => {
    timers = proxy;
    const clients = await crowd(proxy, 500);
    await proxy.advance(4_000);

    assert.equal(proxy.origin.requests.length, 1);
    for (const client of clients) assert.ok(client.byteCount > MIB.length, `${client.byteCount}`);
    assert.equal(results(proxy).match(/coalesced/g)?.length, 499);
    assert.deepEqual(new Set(proxy.ends), new Set(["served"]));
  },
);

let timers: SimProxy | undefined;

function setTimeoutOn(_: SimOriginConnection, ms: number, act: () => void): void {
  timers!.world.clock.after(ms, act);
}

simulation(
  "coalescing: a slow reader that asked first does not hold the others back",
  cached(silent, "on"),
  async (proxy) => {
    const body = "x".repeat(4_000_000);
    const [first, second] = await crowd(proxy, 2);
    first!.pause();
    proxy.origin.last.send(reply(body, FRESH));
    await proxy.advance(3_000);

    assert.ok(second!.byteCount > body.length, `${second!.byteCount}`);
    assert.ok(first!.byteCount < body.length, `${first!.byteCount}`);
    first!.resume();
    await proxy.advance(3_000);
    assert.ok(first!.byteCount > body.length, `${first!.byteCount}`);
    assert.equal(proxy.origin.requests.length, 1);
  },
);

simulation(
  "coalescing: what cannot be shared is asked for by everyone, all at the same time (no herd in a row)",
  cached(silent),
  async (proxy) => {
    const clients = await crowd(proxy, 20);
    assert.equal(proxy.origin.requests.length, 1);

    proxy.origin.answer = silent;
    proxy.origin.last.send(reply("mine", { "Cache-Control": "private" }));
    await proxy.advance(50);
    assert.equal(proxy.origin.requests.length, 20, "nobody waits for anybody");
    for (const connection of proxy.origin.connections)
      connection.send(reply("own", { "Cache-Control": "private" }));
    await proxy.advance(50);
    proxy.origin.answer = reply("later", { "Cache-Control": "private" });
    await ask(proxy, get("/a"));

    const bodies = clients.map((client) => last(client).body);
    assert.deepEqual(
      [
        bodies.filter((body) => body === "mine").length,
        bodies.filter((body) => body === "own").length,
      ],
      [1, 19],
    );
  },
);

simulation(
  "coalescing: who waited gets nothing that varies by what it did not ask for (C3)",
  cached((connection, { fields }) => {
    const own = fields.find(([name]) => name === "X-Own")?.[1];
    proxyAfter(50, () => connection.send(reply(`for ${own}`, { ...FRESH, Vary: "X-Own" })));
  }),
  async (proxy) => {
    timers = proxy;
    const clients = [];
    for (const own of ["a", "b", "a", "b", "c"])
      clients.push(...(await crowd(proxy, 1, get("/a", { "X-Own": own }))));
    await proxy.advance(1_000);

    assert.deepEqual(
      clients.map((client) => last(client).body),
      ["for a", "for b", "for a", "for b", "for c"],
    );
    assert.equal(proxy.origin.requests.length, 3);
  },
);

function proxyAfter(ms: number, act: () => void): void {
  timers!.world.clock.after(ms, act);
}

simulation(
  "coalescing: it goes on when who asked first has left, and others wait",
  cached(silent),
  async (proxy) => {
    const [first, second] = await crowd(proxy, 2);
    first!.reset();
    await proxy.advance(50);
    proxy.origin.last.send(reply("one", FRESH));
    await proxy.advance(50);

    assert.equal(last(second!).body, "one");
    assert.equal(proxy.origin.requests.length, 1);
  },
);

simulation("coalescing: it ends when all have left", cached(silent), async (proxy) => {
  for (const client of await crowd(proxy, 3)) client.reset();
  await proxy.advance(50);

  assert.ok(proxy.origin.last.hasFinished);
  assert.equal(proxy.upstream.endpoints[0]!.state.active, 0);
});

simulation(
  "coalescing: what is being stored is stored, though all have left",
  cached(silent),
  async (proxy) => {
    const [client] = await crowd(proxy, 1);
    proxy.origin.last.send(
      `HTTP/1.1 200 OK\r\nContent-Length: 10\r\nCache-Control: max-age=60\r\n\r\n01234`,
    );
    await proxy.advance(20);
    client!.reset();
    await proxy.advance(20);
    proxy.origin.last.send("56789");
    await proxy.advance(20);

    assert.equal((await ask(proxy, get("/a"))).body, "0123456789");
    assert.equal(proxy.origin.requests.length, 1);
  },
);

simulation(
  "coalescing: nobody waits longer than the route says",
  cached(silent, { coalesce: "2s" }),
  async (proxy) => {
    const clients = await crowd(proxy, 3);
    await proxy.advance(2_500);
    assert.equal(proxy.origin.requests.length, 3);
    for (const connection of proxy.origin.connections) connection.send(reply("one", FRESH));
    await proxy.advance(50);

    for (const client of clients) assert.equal(last(client).body, "one");
    assert.equal(results(proxy), "miss miss miss");
  },
);

simulation("coalescing: off, everyone asks", cached(silent, { coalesce: "off" }), async (proxy) => {
  await crowd(proxy, 3);

  assert.equal(proxy.origin.requests.length, 3);
});

simulation(
  "coalescing: the fault of one request is told to all who waited for it, at once",
  cached(silent),
  async (proxy) => {
    const clients = await crowd(proxy, 50);
    proxy.origin.last.reset();
    await proxy.advance(50);

    for (const client of clients) assert.equal(field(last(client), "x-fault"), "reset_before_head");
    assert.equal(proxy.origin.requests.length, 1);
  },
);

const WHOLE = reply("0123456789", FRESH);
for (let at = 1; at < WHOLE.length; at += 3) {
  simulation(
    `cache: a response that ends after ${at} bytes is not stored, and is no whole to anybody (S10)`,
    cached(silent),
    async (proxy) => {
      const clients = await crowd(proxy, 2);
      proxy.origin.last.send(WHOLE.slice(0, at));
      await proxy.advance(20);
      proxy.origin.last.close();
      await proxy.advance(100);

      for (const client of clients) {
        assert.ok(!client.text.includes("0123456789"));
        assert.ok(/ 502 /.test(client.text) || client.hasFinished, client.text);
      }
      assert.equal(proxy.cache!.caches.store.stats.objects, 0);
    },
  );
}

for (const framing of ["chunked", "close"]) {
  simulation(
    `cache: a body of unknown length (${framing}) that turns out too large goes to all, and is not stored`,
    cached(silent, { maxObject: "64KiB" }),
    async (proxy) => {
      const body = "0123456789".repeat(100_000);
      const clients = await crowd(proxy, 3);
      const head = `HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n${framing === "chunked" ? "Transfer-Encoding: chunked\r\n" : ""}\r\n`;
      const chunk = (text: string) =>
        framing === "chunked" ? `${text.length.toString(16)}\r\n${text}\r\n` : text;
      proxy.origin.last.send(head);
      let most = 0;
      for (let from = 0; from < body.length; from += 50_000) {
        proxy.origin.last.send(chunk(body.slice(from, from + 50_000)));
        await proxy.advance(20);
        most = Math.max(most, proxy.cache!.caches.store.stats.bytes);
      }
      if (framing === "chunked") proxy.origin.last.send("0\r\n\r\n");
      else proxy.origin.last.finish();
      await proxy.advance(200);

      for (const client of clients)
        assert.ok(client.byteCount > body.length, `${client.byteCount}`);
      assert.equal(proxy.cache!.caches.store.stats.objects, 0);
      assert.ok(most < 128 * 1024, `${most}`);
    },
  );
}

simulation(
  "cache: a slow reader of what is not stored holds the origin back, and not our memory full",
  cached(silent, { maxObject: "1KiB" }),
  async (proxy) => {
    const [client] = await crowd(proxy, 1);
    client!.pause();
    proxy.origin.last.send(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nCache-Control: max-age=60\r\n\r\n",
    );
    const chunk = `10000\r\n${"x".repeat(65_536)}\r\n`;
    for (let count = 0; count < 400; count++) proxy.origin.last.send(chunk);
    await proxy.advance(2_000);

    const taken = 400 * chunk.length - proxy.origin.last.wire.writableLength;
    assert.ok(taken < 4_000_000, `${taken} of ${400 * chunk.length}`);
    client!.resume();
    proxy.origin.last.send("0\r\n\r\n");
    await proxy.advance(5_000);
    assert.ok(client!.byteCount > 400 * 65_536);
  },
);

simulation(
  "cache: what was asked for before a purge is not kept after it",
  cached(silent),
  async (proxy) => {
    const [client] = await crowd(proxy, 1);
    proxy.cache!.caches.purge({ kind: "url", value: "http://a.test/a", isSoft: false });
    proxy.origin.last.send(reply("old", FRESH));
    await proxy.advance(20);

    assert.equal(last(client!).body, "old");
    proxy.origin.answer = reply("new", FRESH);
    assert.equal((await ask(proxy, get("/a"))).body, "new");
  },
);

simulation(
  "cache: a soft purge serves what is stale while the origin is asked",
  cached(reply("old", FRESH), { staleWhileRevalidate: "60s" }),
  async (proxy) => {
    await ask(proxy, get("/a"));
    proxy.origin.answer = reply("new", FRESH);
    proxy.cache!.caches.purge({ kind: "prefix", value: "http://a.test/", isSoft: true });

    const bodies = [(await ask(proxy, get("/a"))).body, (await ask(proxy, get("/a"))).body];
    assert.deepEqual(bodies, ["old", "new"]);
  },
);
