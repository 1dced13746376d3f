/** What every cache store must do, whatever it is made of. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Freshness } from "../../src/protocol/caching/reuse.ts";
import type {
  CacheStore,
  NewResponse,
  StoredBody,
  StoredResponse,
} from "../../src/stores/cache-store.ts";
import { GrowingBody } from "../../src/stores/growing-body.ts";
import { codedBodies } from "./cache-store-codings.ts";

export interface StoreSetUp {
  readonly store: CacheStore;
  /** Lets what the store does later happen. */
  settle(): void;
}

export type MakeStore = (options: { bytesMax: number; variantsMax: number }) => StoreSetUp;

export const FRESH: Freshness = {
  bornMs: 1.5,
  lifetimeMs: 60_000,
  whileRevalidateMs: 0,
  ifErrorMs: 1_000,
  mayBeStale: true,
  needsValidation: false,
};
const MIB = 1024 * 1024;

export function responseOf(
  url: string,
  more: Partial<NewResponse> & { text?: string } = {},
): NewResponse {
  const { text = `body of ${url}`, ...rest } = more;
  const body = new GrowingBody();
  if (text !== "") body.append(Buffer.from(text));
  return {
    url,
    partition: "route",
    varyNames: [],
    varyKey: "",
    status: 200,
    lines: "Content-Type: text/plain\r\nX-A: 1\r\n",
    freshness: FRESH,
    body,
    ...rest,
  };
}

export function put(store: CacheStore, response: NewResponse): StoredResponse | undefined {
  const filling = store.begin();
  const stored = store.put(response, filling);
  filling.ended();
  return stored;
}

export function bodyOf(response: StoredBody): string {
  const parts: Buffer[] = [];
  for (let at = 0; at < response.bodyBytes; ) {
    const bytes = response.at(at);
    assert.ok(bytes !== undefined && bytes.length > 0, `bytes from ${at} on`);
    parts.push(bytes);
    at += bytes.length;
  }
  assert.equal(response.at(response.bodyBytes), undefined);
  return Buffer.concat(parts).toString("latin1");
}

export function variants(store: CacheStore, url: string): string[] {
  const found: string[] = [];
  for (let each = store.lookup(url, 0); each !== undefined; each = each.next) {
    found.push(`${each.partition}/${each.varyKey}`);
  }
  return found;
}

export function cacheStoreSuite(name: string, make: MakeStore): void {
  const store: Make = (options = {}) => make({ bytesMax: 8 * MIB, variantsMax: 4, ...options });
  bodies(name, store);
  keys(name, store);
  freshens(name, store);
  codedBodies(name, store);
  budgets(name, store);
  purges(name, make);
  purgesThatComeFirst(name, make);
}

export type Make = (options?: { readonly bytesMax?: number }) => StoreSetUp;

function bodies(name: string, store: Make): void {
  for (const length of [0, 1, 1_000, 16_384, 20_480, 65_536, 65_537, 300_000]) {
    test(`${name}: a response with ${length} bytes comes back as it was`, () => {
      const { store: cache } = store();
      const text = "0123456789".repeat(length / 10 + 1).slice(0, length);

      put(cache, responseOf("a", { text }));

      const found = cache.lookup("a", 0)!;
      assert.equal(bodyOf(found), text);
      assert.equal(found.at(Math.max(0, length - 1))?.toString() ?? "", text.slice(-1));
      assert.equal(found.headers().get("x-a"), "1");
      assert.deepEqual(found.freshness(), FRESH);
      assert.deepEqual([found.status, found.rangeAt, found.rangeTotal], [200, 0, length]);
    });
  }

  test(`${name}: nothing is found under another URL, nor before it is put`, () => {
    const { store: cache } = store();
    const filling = cache.begin();
    filling.grow(1_000);

    assert.equal(cache.lookup("a", 0), undefined);
    put(cache, responseOf("a"));
    assert.equal(cache.lookup("A", 0), undefined);
  });
}

function keys(name: string, store: Make): void {
  test(`${name}: the same key replaces, another one stands beside it, the newest first`, () => {
    const { store: cache } = store();
    put(cache, responseOf("a", { text: "old" }));
    put(cache, responseOf("a", { varyNames: ["x"], varyKey: "1" }));
    put(cache, responseOf("a", { partition: "other" }));

    put(cache, responseOf("a", { text: "new" }));

    assert.deepEqual(variants(cache, "a"), ["route/", "other/", "route/1"]);
    assert.equal(bodyOf(cache.lookup("a", 0)!), "new");
    assert.equal(cache.stats.objects, 3);
  });

  test(`${name}: variants of one URL are bound, the oldest goes (SECURITY D10)`, () => {
    const { store: cache } = store();

    for (let count = 1; count <= 1_000; count++) {
      put(cache, responseOf("a", { varyNames: ["x"], varyKey: String(count) }));
    }

    assert.deepEqual(variants(cache, "a"), ["route/1000", "route/999", "route/998", "route/997"]);
  });

  test(`${name}: a part of a whole says where it begins`, () => {
    const { store: cache } = store();

    put(cache, responseOf("a", { text: "345", rangeAt: 3, rangeTotal: 10, status: 206 }));

    const found = cache.lookup("a", 0)!;
    assert.deepEqual([found.rangeAt, found.rangeTotal, bodyOf(found)], [3, 10, "345"]);
  });
}

function freshens(name: string, store: Make): void {
  for (const length of [10, 100_000]) {
    test(`${name}: freshened, ${length} bytes stay and the fields are others`, () => {
      const { store: cache } = store();
      const text = "x".repeat(length);
      const stored = put(cache, responseOf("a", { text }))!;
      const filling = cache.begin();
      const lines = `X-B: ${"2".repeat(500)}\r\n`;

      const fresh = cache.refresh(stored, lines, { ...FRESH, bornMs: 99 }, filling);
      filling.ended();

      const found = cache.lookup("a", 0)!;
      assert.equal(fresh, found);
      assert.equal(bodyOf(found), text);
      assert.equal(found.headers().get("x-b")?.length, 500);
      assert.equal(found.headers().get("x-a"), undefined);
      assert.equal(found.freshness().bornMs, 99);
    });
  }

  test(`${name}: what is gone cannot be freshened, and goes only once`, () => {
    const { store: cache } = store();
    const stored = put(cache, responseOf("a"))!;
    cache.remove(stored);
    cache.remove(stored);

    assert.equal(cache.refresh(stored, "", FRESH, cache.begin()), undefined);
    assert.equal(cache.stats.objects, 0);
  });
}

function budgets(name: string, store: Make): void {
  test(`${name}: the budget holds, for any mix of sizes`, () => {
    const { store: cache } = store();
    let word = 7;
    let most = 0;
    for (let count = 0; count < 5_000; count++) {
      word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
      const size = word % 10 === 0 ? word % 300_000 : word % 9_000;
      put(cache, responseOf(`u${word % 3_000}`, { text: "x".repeat(size) }));
      most = Math.max(most, cache.stats.bytes);
    }

    assert.ok(most <= cache.stats.bytesMax, `${most}`);
    assert.ok(cache.stats.bytes > cache.stats.bytesMax / 2, `${cache.stats.bytes}`);
    assert.ok(cache.stats.evictions > 0);
  });

  test(`${name}: one that is too large for the budget is not kept, and nobody has to go for it`, () => {
    const { store: cache } = store();
    put(cache, responseOf("a"));

    assert.equal(put(cache, responseOf("b", { text: "x".repeat(3 * MIB) })), undefined);
    assert.equal(put(cache, responseOf("c", { lines: `X: ${"y".repeat(70_000)}\r\n` })), undefined);
    assert.ok(cache.lookup("a", 0) !== undefined);
  });

  test(`${name}: what is being fetched counts, and gives back what it held`, () => {
    const { store: cache } = store();
    const filling = cache.begin();
    const before = cache.stats.bytes;

    assert.equal(filling.grow(3 * MIB), true);
    assert.equal(cache.begin().grow(3 * MIB), false, "no more than half of the budget together");
    const during = cache.stats.bytes;
    filling.ended();
    filling.ended();

    assert.deepEqual([during - before, cache.stats.bytes - before], [3 * MIB, 0]);
    assert.equal(filling.grow(1), false);
  });

  test(`${name}: who asks for everything once does not throw out what is liked`, () => {
    const { store: cache } = store({ bytesMax: 2 * MIB });
    const text = "x".repeat(1_000);
    for (let round = 0; round < 3; round++) {
      for (let count = 0; count < 200; count++) {
        const found = cache.lookup(`liked${count}`, 0);
        if (found === undefined) put(cache, responseOf(`liked${count}`, { text }));
        else cache.touch(found);
      }
    }

    for (let count = 0; count < 20_000; count++) put(cache, responseOf(`once${count}`, { text }));

    let kept = 0;
    for (let count = 0; count < 200; count++) if (cache.lookup(`liked${count}`, 0)) kept++;
    assert.ok(kept >= 190, `${kept} of 200`);
  });
}

const URL_OF = (path: string) => `http://a.test/${path}`;

function purges(name: string, make: MakeStore): void {
  const setUp = () => {
    const { store, settle } = make({ bytesMax: 64 * MIB, variantsMax: 4 });
    for (const path of ["x/1", "x/2", "y/1"]) put(store, responseOf(URL_OF(path)));
    const lines = "Surrogate-Key: one two\r\nCache-Tag: three, four\r\n";
    put(store, responseOf(URL_OF("tagged"), { lines }));
    const has = () => {
      const paths = ["x/1", "x/2", "y/1", "tagged"];
      return paths.filter((path) => store.lookup(URL_OF(path), 5_000) !== undefined).join(" ");
    };
    return { store, settle, has };
  };

  // biome-ignore format: a table
  const cases: readonly [what: string, kind: "url" | "prefix" | "tag", value: string, left: string, count: number][] = [
    ["a URL",            "url",    URL_OF("x/1"),  "x/2 y/1 tagged", 1],
    ["an unknown URL",   "url",    URL_OF("x/"),   "x/1 x/2 y/1 tagged", 0],
    ["a prefix",         "prefix", URL_OF("x/"),   "y/1 tagged", 2],
    ["a tag",            "tag",    "two",          "x/1 x/2 y/1", 1],
    ["the other field",  "tag",    "four",         "x/1 x/2 y/1", 1],
    ["part of a tag",    "tag",    "on",           "x/1 x/2 y/1 tagged", 0],
  ];
  for (const [what, kind, value, left, count] of cases) {
    test(`${name}: purges by ${what}`, () => {
      const { store, settle, has } = setUp();

      const found = store.purge({ kind, value, isSoft: false }, 5_000);

      assert.equal(has(), left);
      assert.equal(found, count);
      settle();
      assert.equal(has(), left);
    });
  }

  test(`${name}: purges all`, () => {
    const { store, has } = setUp();

    assert.equal(store.purge({ kind: "all", isSoft: false }, 0), 4);
    assert.equal(has(), "");
  });

  test(`${name}: a soft purge leaves what is stale from then on`, () => {
    const { store, has } = setUp();

    store.purge({ kind: "prefix", value: URL_OF("x/"), isSoft: true }, 5_000);

    assert.equal(has(), "x/1 x/2 y/1 tagged");
    assert.equal(store.lookup(URL_OF("x/1"), 9_000)!.freshness().lifetimeMs, 5_000 - FRESH.bornMs);
    assert.equal(store.lookup(URL_OF("y/1"), 9_000)!.freshness().lifetimeMs, FRESH.lifetimeMs);
  });
}

function purgesThatComeFirst(name: string, make: MakeStore): void {
  const setUp = () => make({ bytesMax: 64 * MIB, variantsMax: 4 });
  for (const order of [
    { kind: "url", value: URL_OF("late") },
    { kind: "prefix", value: URL_OF("") },
    { kind: "tag", value: "late" },
    { kind: "all" },
  ] as const) {
    test(`${name}: what was asked for before a purge by ${order.kind} is not kept after it`, () => {
      const { store, settle } = setUp();
      const lines = "Cache-Tag: late\r\n";
      const filling = store.begin();
      store.purge({ ...order, isSoft: false }, 0);
      settle();

      const late = store.put(responseOf(URL_OF("late"), { lines }), filling);
      assert.equal(late, undefined);
      assert.equal(store.lookup(URL_OF("late"), 0), undefined);

      put(store, responseOf(URL_OF("late"), { lines }));
      settle();
      assert.ok(store.lookup(URL_OF("late"), 0) !== undefined, "what is asked for later is");
    });
  }

  test(`${name}: a storm of purges holds at once, and all of it`, () => {
    const { store, settle } = make({ bytesMax: 64 * MIB, variantsMax: 4 });
    for (let count = 0; count < 20_000; count++) {
      put(
        store,
        responseOf(URL_OF(`${count}`), { text: "", lines: `Cache-Tag: t${count % 1000}\r\n` }),
      );
    }

    for (let tag = 0; tag < 500; tag++)
      store.purge({ kind: "tag", value: `t${tag}`, isSoft: false }, 0);

    const left = () => {
      let count = 0;
      for (let at = 0; at < 20_000; at++)
        if (store.lookup(URL_OF(`${at}`), 0) !== undefined) count++;
      return count;
    };
    assert.equal(left(), 10_000);
    settle();
    assert.equal(store.stats.objects, 10_000);
  });
}
