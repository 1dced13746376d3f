/** A route with a cache, in a world of simulated time. */
import assert from "node:assert/strict";
import {
  ask,
  asked,
  cached,
  FRESH,
  field,
  get,
  last,
  reply,
  results,
  silent,
} from "../support/sim-cached.ts";
import type { SimAnswer } from "../support/sim-origin.ts";
import { simulation } from "../support/sim-proxy.ts";

simulation(
  "cache: what is fresh is served without asking",
  cached(reply("one", FRESH)),
  async (proxy) => {
    await ask(proxy, get("/a"));
    await proxy.advance(7_000);
    const second = await ask(proxy, get("/a"));
    const other = await ask(proxy, get("/a?b"));

    assert.equal(second.body, "one");
    assert.equal(field(second, "age"), "7");
    assert.equal(field(second, "cache-status"), "Sluice; hit; ttl=52");
    assert.equal(field(other, "cache-status"), "Sluice; fwd=uri-miss; stored");
    assert.deepEqual(asked(proxy), ["/a", "/a?b"]);
    assert.equal(results(proxy), "miss hit miss");
  },
);

simulation(
  "cache: what is stale is asked about, and a 304 makes it fresh",
  cached((connection, { fields }) => {
    const condition = fields.find(([name]) => name === "If-None-Match");
    const tag = { ...FRESH, ETag: '"a"', "X-A": condition === undefined ? "old" : "new" };
    connection.send(
      condition === undefined
        ? reply("one", tag)
        : 'HTTP/1.1 304 X\r\nETag: "a"\r\nX-A: new\r\nCache-Control: max-age=60\r\n\r\n',
    );
  }),
  async (proxy) => {
    await ask(proxy, get("/a"));
    await proxy.advance(60_000);
    const second = await ask(proxy, get("/a"));
    const third = await ask(proxy, get("/a"));

    assert.deepEqual([second.body, field(second, "x-a")], ["one", "new"]);
    assert.match(field(second, "cache-status")!, /^Sluice; fwd=stale; fwd-status=304; ttl=/);
    assert.equal(third.body, "one");
    assert.equal(results(proxy), "miss revalidated hit");
    assert.equal(proxy.origin.requests.length, 2);
  },
);

simulation(
  "cache: a 304 about something else is not believed",
  cached((connection, { fields }) => {
    const isAsked = fields.some(([name]) => name === "If-None-Match");
    connection.send(
      isAsked ? 'HTTP/1.1 304 X\r\nETag: "b"\r\n\r\n' : reply("one", { ...FRESH, ETag: '"a"' }),
    );
  }),
  async (proxy) => {
    await ask(proxy, get("/a"));
    await proxy.advance(60_000);

    assert.equal((await ask(proxy, get("/a"))).body, "one");
    assert.equal(proxy.origin.requests.length, 3);
  },
);

simulation(
  "cache: a stale response serves while the origin is asked (RFC 5861)",
  cached(reply("one", { ...FRESH, ETag: '"a"' }), { staleWhileRevalidate: "30s" }),
  async (proxy) => {
    await ask(proxy, get("/a"));
    await proxy.advance(61_000);
    proxy.origin.answer = reply("two", FRESH);

    const second = await ask(proxy, get("/a"));
    const third = await ask(proxy, get("/a"));

    assert.deepEqual([second.body, third.body], ["one", "two"]);
    assert.match(field(second, "cache-status")!, /^Sluice; hit; ttl=-/);
    assert.equal(results(proxy), "miss stale hit");
    assert.ok(proxy.origin.requests[1]!.fields.some(([, value]) => value === '"a"'));
  },
);

simulation(
  "cache: a hundred who find it stale ask once",
  cached(reply("one", FRESH), { staleWhileRevalidate: "30s" }),
  async (proxy) => {
    await ask(proxy, get("/a"));
    await proxy.advance(61_000);
    proxy.origin.answer = silent;

    for (let count = 0; count < 100; count++)
      assert.equal((await ask(proxy, get("/a"))).body, "one");

    assert.equal(proxy.origin.requests.length, 2);
  },
);

// biome-ignore format: a table
const failures: readonly [name: string, answer: SimAnswer][] = [
  ["hangs up",         (connection) => connection.reset()],
  ["answers 503",      reply("down", {}, 503)],
  ["answers garbage",  "garbage\r\n\r\n"],
  ["says nothing",     silent],
];
for (const [name, answer] of failures) {
  simulation(
    `cache: what is stored serves when the origin ${name}`,
    cached(reply("one", FRESH), { staleIfError: "10s" }, { timeouts: { responseHead: 1_000 } }),
    async (proxy) => {
      await ask(proxy, get("/a"));
      await proxy.advance(60_000);
      proxy.origin.answer = answer;
      const stale = await proxy.clientWith(get("/a"));
      await proxy.advance(2_000);
      await proxy.advance(9_000);
      const tooLate = await proxy.clientWith(get("/a"));
      await proxy.advance(2_000);

      assert.equal(last(stale).body, "one");
      assert.match(last(tooLate).startLine, / 50[234] /);
      assert.equal(results(proxy), "miss stale miss");
    },
  );
}

simulation(
  "cache: must-revalidate is not served when the origin is down",
  cached(reply("one", { "Cache-Control": "max-age=60, must-revalidate" })),
  async (proxy) => {
    await ask(proxy, get("/a"));
    await proxy.advance(60_000);
    proxy.origin.answer = (connection) => connection.reset();

    assert.match((await ask(proxy, get("/a"))).startLine, / 502 /);
  },
);

for (const method of ["POST", "PUT", "DELETE", "PATCH", "M-SEARCH"]) {
  simulation(
    `cache: ${method} makes what is stored worthless, unless it fails (RFC 9111 §4.4)`,
    cached(reply("one", { ...FRESH, Location: "/b" })),
    async (proxy) => {
      const unsafe = `${method} /a HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n`;
      for (const path of ["/a", "/b", "/c"]) await ask(proxy, get(path));
      proxy.origin.answer = reply("no", {}, 500);
      await ask(proxy, unsafe);
      for (const path of ["/a", "/b", "/c"]) await ask(proxy, get(path));
      proxy.origin.answer = reply("two", { Location: "/b" });
      await ask(proxy, unsafe);
      const bodies = [];
      for (const path of ["/a", "/b", "/c"]) bodies.push((await ask(proxy, get(path))).body);

      assert.deepEqual(bodies, ["two", "two", "one"]);
    },
  );
}

simulation(
  "cache: parts, conditions and HEAD are served from the whole",
  cached(reply("0123456789", { ...FRESH, ETag: '"a"' })),
  async (proxy) => {
    await ask(proxy, get("/a"));
    const part = await ask(proxy, get("/a", { Range: "bytes=2-4" }));
    const wrong = await ask(proxy, get("/a", { Range: "bytes=10-" }));
    const other = await ask(proxy, get("/a", { Range: "bytes=2-4", "If-Range": '"b"' }));
    const known = await ask(proxy, get("/a", { "If-None-Match": '"a"' }));
    const head = await ask(proxy, get("/a").replace("GET", "HEAD"), "HEAD");

    assert.deepEqual([part.body, field(part, "content-range")], ["234", "bytes 2-4/10"]);
    assert.match(part.startLine, / 206 /);
    assert.match(wrong.startLine, / 416 /);
    assert.equal(field(wrong, "content-range"), "bytes */10");
    assert.equal(other.body, "0123456789");
    assert.match(known.startLine, / 304 /);
    assert.equal(field(head, "content-length"), "10");
    assert.equal(proxy.origin.requests.length, 1);
  },
);

simulation(
  "cache: a part of what is not stored is asked for as such, and serves what lies within it",
  cached(
    "HTTP/1.1 206 X\r\nContent-Length: 3\r\nContent-Range: bytes 4-6/10\r\nCache-Control: max-age=60\r\n\r\n456",
  ),
  async (proxy) => {
    const first = await ask(proxy, get("/a", { Range: "bytes=4-6" }));
    const within = await ask(proxy, get("/a", { Range: "bytes=5-6" }));
    await ask(proxy, get("/a", { Range: "bytes=6-7" }));
    await ask(proxy, get("/a"));

    assert.equal(first.body, "456");
    assert.deepEqual([within.body, field(within, "content-range")], ["56", "bytes 5-6/10"]);
    assert.equal(proxy.origin.requests.length, 3);
    assert.equal(results(proxy), "miss hit miss miss");
  },
);

// biome-ignore format: a table
const notStored: readonly [name: string, request: Readonly<Record<string, string>>, answer: string][] = [
  ["nobody says for how long",      {}, reply("x", { ETag: '"a"' })],
  ["private",                       {}, reply("x", { "Cache-Control": "private, max-age=60" })],
  ["no-store",                      {}, reply("x", { "Cache-Control": "no-store, max-age=60" })],
  ["sets a cookie (C2)",            {}, reply("x", { ...FRESH, "Set-Cookie": "a=b" })],
  ["asked for with credentials",    { Authorization: "Basic x" }, reply("x", FRESH)],
  ["Vary: *",                       {}, reply("x", { ...FRESH, Vary: "*" })],
  ["a stream of events",            {}, reply("x", { ...FRESH, "Content-Type": "text/event-stream" })],
  ["varies by too much",            {}, reply("x", { ...FRESH, Vary: Array.from({ length: 17 }, (_, i) => `X-${i}`).join() })],
  ["too large",                     {}, reply("x".repeat(2_000), FRESH)],
  ["a head too large to keep",      {}, reply("x", { ...FRESH, "X-A": "y".repeat(66_000) })],
];
for (const [name, request, answer] of notStored) {
  simulation(
    `cache: not stored: ${name}`,
    cached(answer, { maxObject: "1KiB" }, { limits: { responseHeaderBytes: 128 * 1024 } }),
    async (proxy) => {
      const first = await proxy.clientWith(get("/a", request));
      await proxy.advance(20);
      const second = await proxy.clientWith(get("/a"));
      await proxy.advance(20);

      assert.equal(last(first).body.length, last(second).body.length);
      assert.equal(proxy.origin.requests.length, 2);
      assert.equal(proxy.cache!.caches.store.stats.objects, name.includes("credentials") ? 1 : 0);
    },
  );
}

simulation(
  "cache: what Connection lists is not for those who come later, nor are hop-by-hop fields",
  cached(
    reply("x", {
      ...FRESH,
      Connection: "x-secret",
      "X-Secret": "1",
      "Keep-Alive": "timeout=5",
      "X-A": "2",
    }),
  ),
  async (proxy) => {
    await ask(proxy, get("/a"));
    const { fields } = await ask(proxy, get("/a"));

    const names = fields.map(([name]) => name.toLowerCase());
    assert.deepEqual(names, ["cache-control", "x-a", "age", "cache-status", "content-length"]);
  },
);

// biome-ignore format: a table
const bypassed: readonly [name: string, text: string][] = [
  ["a GET with a body (C1)",  "GET /a HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\n\r\nx"],
  ["a chunked one",           "GET /a HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"],
  ["If-Match",                get("/a", { "If-Match": '"a"' })],
  ["a cookie that says so",   get("/a", { Cookie: "x=1; session=2" })],
  ["a header that says so",   get("/a", { "X-No": "1" })],
  ["a parameter that says so", get("/a?nocache")],
];
for (const [name, text] of bypassed) {
  simulation(
    `cache: past it goes ${name}`,
    cached(reply("one", FRESH), {
      bypass: { cookies: ["session"], headers: ["X-No"], query: ["nocache"] },
    }),
    async (proxy) => {
      await ask(proxy, get("/a"));
      await ask(proxy, text);
      const hit = await ask(proxy, get("/a"));

      assert.equal(results(proxy), "miss bypass hit");
      assert.equal(field(hit, "cache-status"), "Sluice; hit; ttl=59");
    },
  );
}

simulation(
  "cache: a parameter that is not in the key does not reach the origin, however it is written (C1)",
  cached(reply("one", FRESH), { key: { query: { without: ["utm"] } } }),
  async (proxy) => {
    await ask(proxy, get("/a?utm=1;callback=evil&b=2&a=1"));
    await ask(proxy, get("/a?a=1&b=2&u%74m=3"));

    assert.deepEqual(asked(proxy), ["/a?a=1&b=2"]);
    assert.equal(results(proxy), "miss hit");
  },
);

simulation(
  "cache: fields and cookies of the key tell responses apart, and cannot be made to look alike",
  cached(reply("one", FRESH), { key: { headers: ["X-Device"], cookies: ["lang"] } }),
  async (proxy) => {
    const requests = [
      get("/a"),
      get("/a", { "X-Device": "" }),
      get("/a", { "X-Device": "phone" }),
      get("/a", { "X-Device": 'phone"]\\n"x' }),
      get("/a", { "X-Device": "phone", Cookie: "lang=de" }),
      get("/a", { "X-Device": "phone", Cookie: "other=1; lang=en" }),
    ];
    for (const text of [...requests, ...requests]) await ask(proxy, text);

    assert.equal(proxy.origin.requests.length, requests.length);
  },
);

simulation(
  "cache: a Vary that everyone has a value of his own for fills nothing (D10)",
  cached(reply("x".repeat(100), { ...FRESH, Vary: "X-Own" })),
  async (proxy) => {
    for (let count = 0; count < 300; count++) await ask(proxy, get("/a", { "X-Own": `${count}` }));

    assert.equal(proxy.cache!.caches.store.stats.objects, 64);
    await ask(proxy, get("/a", { "X-Own": "299" }));
    assert.equal(proxy.lastOver.cacheResult, "hit");
  },
);

simulation(
  "cache: lifetimes of the route count where the origin is silent",
  cached(reply("no", {}, 404), { default: "1h", ttl: { 404: "10s" } }),
  async (proxy) => {
    await ask(proxy, get("/a"));
    await ask(proxy, get("/a"));
    await proxy.advance(10_000);
    await ask(proxy, get("/a"));
    await ask(proxy, get("/b", { Cookie: "session=1" }));
    await ask(proxy, get("/b", { Cookie: "session=2" }));

    assert.equal(results(proxy), "miss hit miss miss miss");
  },
);

simulation(
  "cache: a client that wants a stored response or none gets one, or 504 (RFC 9111 §5.2.1.7)",
  cached(reply("one", FRESH), { clientControl: "obey" }),
  async (proxy) => {
    const only = { "Cache-Control": "only-if-cached" };
    const none = await ask(proxy, get("/a", only));
    await ask(proxy, get("/a"));
    const one = await ask(proxy, get("/a", only));
    await ask(proxy, get("/a", { Pragma: "no-cache" }));

    assert.match(none.startLine, / 504 /);
    assert.equal(field(none, "x-fault"), "not_cached");
    assert.equal(one.body, "one");
    assert.equal(proxy.origin.requests.length, 2);
  },
);

simulation(
  "cache: with checkEnding a page at a style sheet's URL is not kept for others (SECURITY C2)",
  cached(reply("account", { "Content-Type": "text/html", "Cache-Control": "max-age=60" }), {
    checkEnding: true,
  }),
  async (proxy) => {
    for (const path of ["/account/x.css", "/account/x.css", "/account", "/account"]) {
      assert.equal((await ask(proxy, get(path))).body, "account");
    }

    assert.equal(results(proxy), "miss miss miss hit");
  },
);

simulation(
  "cache: what long fields of clients tell apart takes no more memory than it counts for (SECURITY C1)",
  cached(reply("x", { ...FRESH, Vary: "X-Long" }), { key: { headers: ["x-key"] } }),
  async (proxy) => {
    for (let count = 0; count < 5; count++) {
      const long = `${"v".repeat(10_000)}${count}`;
      await ask(proxy, get("/", { "X-Long": long, "X-Key": long }));
      await ask(proxy, get("/", { "X-Long": long, "X-Key": long }));
    }

    assert.equal(results(proxy), "miss hit miss hit miss hit miss hit miss hit");
    const { store } = proxy.cache!.caches;
    for (let each = store.lookup("http://a.test/", 0); each !== undefined; each = each.next) {
      assert.ok(each.partition.length + each.varyKey.length < 700);
    }
  },
);
