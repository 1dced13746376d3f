/** Parts of one representation, put together up to the whole. */
import assert from "node:assert/strict";
import { parseContentRange, wantedRange } from "../../src/protocol/caching/range.ts";
import { Seeded } from "../support/seeded.ts";
import { ask, cached, field, get, last, reply, results } from "../support/sim-cached.ts";
import type { SimAnswer } from "../support/sim-origin.ts";
import { type SimProxy, simulation } from "../support/sim-proxy.ts";

const FRESH = { "Cache-Control": "max-age=60" };

/** Serves ranges of one text, with these fields. */
function ranges(body: string, fields: Readonly<Record<string, string>>): SimAnswer {
  return (connection, request) => {
    const value = request.fields.find(([name]) => name.toLowerCase() === "range")?.[1] ?? "";
    const range = wantedRange(value, body.length);
    if (typeof range !== "object") {
      connection.send(reply(body, { ...FRESH, ...fields }));
      return;
    }
    const { first, last: end } = range;
    const said = { ...FRESH, ...fields, "Content-Range": `bytes ${first}-${end}/${body.length}` };
    connection.send(reply(body.slice(first, end + 1), said, 206));
  };
}

const part = (proxy: SimProxy, range: string, more = {}) =>
  ask(proxy, get("/", { Range: `bytes=${range}`, ...more }));

const BODY = "0123456789abcdefghij";
const STRONG = { ETag: '"v1"' };

simulation(
  "parts: those that touch or overlap are one, and the whole serves whatever is asked",
  cached(ranges(BODY, { ...STRONG, "X-A": "1" })),
  async (proxy) => {
    await part(proxy, "0-4");
    await part(proxy, "10-14");
    await part(proxy, "3-9");
    const joined = await part(proxy, "1-13");
    assert.deepEqual(
      [joined.body, field(joined, "content-range")],
      [BODY.slice(1, 14), "bytes 1-13/20"],
    );
    assert.equal(proxy.origin.requests.length, 3);

    await part(proxy, "-5");
    const whole = await ask(proxy, get("/"));

    assert.match(whole.startLine, / 200 /);
    assert.equal(whole.body, BODY);
    assert.deepEqual(
      ["etag", "x-a", "content-range", "content-length"].map((name) => field(whole, name)),
      ['"v1"', "1", undefined, "20"],
    );
    assert.equal(proxy.origin.requests.length, 4);
    assert.equal(proxy.cache!.caches.store.stats.objects, 1);
    assert.equal(results(proxy), "miss miss miss hit miss hit");
  },
);

for (const [what, fields] of [
  ["without a validator", {}],
  ["with a weak one", { ETag: 'W/"v1"' }],
  ["with a date alone", { "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT" }],
] as const) {
  simulation(
    `parts: those ${what} are not put together, and the last one is kept`,
    cached(ranges(BODY, fields)),
    async (proxy) => {
      await part(proxy, "0-9");
      await part(proxy, "10-19");

      assert.equal((await part(proxy, "5-14")).body, BODY.slice(5, 15));
      assert.equal((await ask(proxy, get("/"))).body, BODY);
      assert.equal(results(proxy), "miss miss miss miss");
    },
  );
}

simulation(
  "parts: a new version takes the parts of the old one away",
  cached(ranges(BODY, STRONG)),
  async (proxy) => {
    await part(proxy, "0-4");
    await part(proxy, "10-14");
    proxy.origin.answer = ranges(BODY.toUpperCase(), { ETag: '"v2"' });
    await part(proxy, "5-9");

    assert.equal((await part(proxy, "10-14")).body, "ABCDE");
    assert.equal((await part(proxy, "5-14")).body, "56789ABCDE");
    assert.equal(results(proxy), "miss miss miss miss hit");
  },
);

simulation(
  "parts: what the same tag says to be of another length is not put together",
  cached(ranges(BODY, STRONG)),
  async (proxy) => {
    await part(proxy, "0-9");
    proxy.origin.answer = ranges(`${BODY}more`, STRONG);
    await part(proxy, "10-19");

    assert.equal((await part(proxy, "5-14")).body, BODY.slice(5, 15));
    assert.equal(results(proxy), "miss miss miss");
  },
);

simulation(
  "parts: the fields of the last one count, and those that it lacks stay",
  cached(ranges(BODY, { ...STRONG, "X-A": "old", "X-B": "kept" })),
  async (proxy) => {
    await part(proxy, "0-9");
    proxy.origin.answer = ranges(BODY, { ...STRONG, "X-A": "new" });
    await part(proxy, "10-19");

    const whole = await ask(proxy, get("/"));

    assert.deepEqual([field(whole, "x-a"), field(whole, "x-b")], ["new", "kept"]);
  },
);

simulation(
  "parts: what Vary tells apart stays apart",
  cached((connection, request) => {
    const language = request.fields.find(([name]) => name.toLowerCase() === "accept-language")![1];
    const body = language === "de" ? BODY.toUpperCase() : BODY;
    // The tag is the same, which it should not be: the key decides.
    (ranges(body, { ...STRONG, Vary: "Accept-Language" }) as (...each: unknown[]) => void)(
      connection,
      request,
    );
  }),
  async (proxy) => {
    await part(proxy, "0-9", { "Accept-Language": "de" });
    await part(proxy, "10-19", { "Accept-Language": "en" });
    const english = await part(proxy, "0-9", { "Accept-Language": "en" });
    const whole = await ask(proxy, get("/", { "Accept-Language": "en" }));

    assert.equal(english.body, BODY.slice(0, 10));
    assert.equal(whole.body, BODY);
    assert.equal(results(proxy), "miss miss miss hit");
  },
);

simulation(
  "parts: a whole that comes takes its parts with it, and a purge all of them",
  cached(ranges(BODY, STRONG)),
  async (proxy) => {
    const { caches } = proxy.cache!;
    await part(proxy, "0-4");
    await part(proxy, "10-14");
    await ask(proxy, get("/"));
    assert.equal(caches.store.stats.objects, 1);

    caches.purge({ kind: "url", value: "http://a.test/", isSoft: false });
    await part(proxy, "0-4");
    await part(proxy, "10-14");
    caches.purge({ kind: "url", value: "http://a.test/", isSoft: false });

    assert.equal(caches.store.stats.objects, 0);
  },
);

simulation(
  "parts: a hundred single bytes keep no more than a few parts (SECURITY D10)",
  cached(ranges("x".repeat(400), STRONG)),
  async (proxy) => {
    for (let at = 0; at < 400; at += 4) await part(proxy, `${at}-${at}`);

    assert.equal(proxy.cache!.caches.store.stats.objects, 16);
  },
);

simulation(
  "parts: what would be more than maxObject together is not put together",
  cached(ranges("x".repeat(200_000), STRONG), { maxObject: "100KiB" }),
  async (proxy) => {
    for (const range of ["0-59999", "60000-119999", "0-59999"]) {
      const client = await proxy.clientWith(get("/", { Range: `bytes=${range}` }));
      await proxy.advance(200);
      assert.equal(last(client).body.length, 60_000);
    }

    assert.equal(results(proxy), "miss miss hit");
    assert.equal(proxy.cache!.caches.store.stats.objects, 2);
  },
);

for (let seed = 1; seed <= 12; seed++) {
  const random = new Seeded(seed);
  const length = 1 + random.below(random.below(2) === 0 ? 300 : 150_000);
  const text = Array.from({ length }, () => String.fromCharCode(97 + random.below(26))).join("");
  simulation(
    `parts: in any order and size every range is what it should be (seed ${seed})`,
    cached(ranges(text, STRONG)),
    async (proxy) => {
      for (let count = 0; count < 60; count++) {
        const first = random.below(length);
        const end = Math.min(length - 1, first + random.below(1 + Math.ceil(length / 5)));
        const client = await proxy.clientWith(get("/", { Range: `bytes=${first}-${end}` }));
        await proxy.advance(100);
        const answer = last(client);
        assert.equal(answer.body, text.slice(first, end + 1));
        const range = parseContentRange(field(answer, "content-range")!);
        assert.deepEqual(range, { first, last: end, total: length });
      }
      const client = await proxy.clientWith(get("/"));
      await proxy.advance(100);
      assert.equal(last(client).body, text);
    },
  );
}
