/** What holds for whatever is stored, wherever it is by the time that it is asked for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CacheStore, StoredResponse } from "../../src/stores/cache-store.ts";
import { FRESH, put, responseOf } from "./cache-store-suite.ts";
import { wholeBody } from "./sim-disk.ts";

export interface RecallSetUp {
  readonly store: CacheStore;
  find(
    url: string,
    partition?: string,
    suits?: (found: StoredResponse) => boolean,
  ): Promise<StoredResponse | undefined>;
  settle(): Promise<void>;
}

export interface RecallMaking {
  readonly variantsMax: number;
}

/** `elsewhere`: what brings a store to have things where it would have to look for them. */
export interface RecallSubject {
  make(options: RecallMaking): Promise<RecallSetUp>;
  elsewhere(before: RecallSetUp): Promise<RecallSetUp>;
}

const OPTIONS: RecallMaking = { variantsMax: 4 };

export function cacheRecallSuite(name: string, subject: RecallSubject): void {
  const stored = async (...urls: Parameters<typeof responseOf>[]) => {
    const before = await subject.make(OPTIONS);
    for (const [url, more] of urls) {
      put(before.store, responseOf(url, more));
      await before.settle();
    }
    return await subject.elsewhere(before);
  };
  bodies(name, stored);
  keys(name, stored);
  freshens(name, stored, subject);
  purges(name, stored, subject);
  purgesThatComeFirst(name, subject);
}

type Stored = (...urls: Parameters<typeof responseOf>[]) => Promise<RecallSetUp>;

function bodies(name: string, stored: Stored): void {
  for (const length of [0, 1, 20_480, 65_536, 65_537, 131_072, 140_000, 1_100_000]) {
    test(`${name}: ${length} bytes come back as they were`, async () => {
      const text = "0123456789".repeat(length / 10 + 1).slice(0, length);

      const { find } = await stored(["a", { text }]);

      const found = (await find("a"))!;
      assert.equal(await wholeBody(found), text);
      assert.equal(found.headers().get("x-a"), "1");
      const { bornMs, ...others } = found.freshness();
      const { bornMs: born, ...wanted } = FRESH;
      assert.ok(Math.abs(bornMs - born) < 1, `${bornMs}`);
      assert.deepEqual(others, wanted);
      assert.deepEqual([found.status, found.rangeAt, found.rangeTotal], [200, 0, length]);
      assert.deepEqual([found.url, found.bodyBytes], ["a", length]);
    });
  }

  test(`${name}: nothing is found under another URL or key`, async () => {
    const { find } = await stored(["a"]);

    assert.equal(await find("A"), undefined);
    assert.equal(await find("a", "other"), undefined);
    assert.equal(await find("a", "route", () => false), undefined);
  });

  test(`${name}: texts are what they were, whatever letters they have`, async () => {
    const odd = { partition: 'Ünï\n["ÿ"]', varyNames: ["x", "y"], varyKey: "é\n€" };
    const lines = "X: \xe9\xff\r\n";

    const { find } = await stored(["http://a.test/%C3%BC?é", { ...odd, lines }]);

    const found = (await find("http://a.test/%C3%BC?é", odd.partition))!;
    assert.deepEqual([found.varyNames, found.varyKey], [odd.varyNames, odd.varyKey]);
    assert.equal(found.headers().text, lines);
  });
}

function keys(name: string, stored: Stored): void {
  test(`${name}: the same key replaces, another one stands beside it`, async () => {
    const { find } = await stored(
      ["a", { text: "old" }],
      ["a", { varyNames: ["x"], varyKey: "1", text: "varied" }],
      ["a", { partition: "other", text: "other" }],
      ["a", { text: "new" }],
    );

    const texts = [
      await find("a", "route", ({ varyKey }) => varyKey === ""),
      await find("a", "route", ({ varyKey }) => varyKey === "1"),
      await find("a", "other"),
    ].map((found) => found && wholeBody(found));
    assert.deepEqual(await Promise.all(texts), ["new", "varied", "other"]);
  });

  test(`${name}: variants of one URL are bound, the oldest goes (SECURITY D10)`, async () => {
    const all = Array.from({ length: 12 }, (_, at): Parameters<typeof responseOf> => {
      return ["a", { varyNames: ["x"], varyKey: String(at) }];
    });

    const { find } = await stored(...all);

    const found: number[] = [];
    for (let at = 0; at < 12; at++) {
      if (await find("a", "route", ({ varyKey }) => varyKey === String(at))) found.push(at);
    }
    assert.deepEqual(found, [8, 9, 10, 11]);
  });
}

function freshens(name: string, stored: Stored, subject: RecallSubject): void {
  for (const length of [10, 100_000, 300_000]) {
    test(`${name}: freshened, ${length} bytes stay and the fields are others`, async () => {
      const text = "x".repeat(length);
      const lines = 'ETag: "1"\r\nX-A: 1\r\n';
      const { store, find, settle } = await stored(["a", { text, lines }]);
      const before = (await find("a"))!;
      const filling = store.begin();
      const newLines = `ETag: "1"\r\nX-B: ${"2".repeat(500)}\r\n`;

      const fresh = store.refresh(before, newLines, { ...FRESH, bornMs: 99 }, filling)!;
      filling.ended();

      assert.equal(fresh.headers().get("x-b")?.length, 500);
      assert.equal(await wholeBody(fresh), text);
      await settle();
      const { find: findAfter } = await subject.elsewhere({ store, find, settle });
      const found = (await findAfter("a"))!;
      assert.equal(await wholeBody(found), text);
      assert.equal(found.headers().get("x-b")?.length, 500);
      assert.equal(found.headers().get("x-a"), undefined);
      assert.ok(Math.abs(found.freshness().bornMs - 99) < 1);
    });
  }

  test(`${name}: what is gone cannot be freshened, and goes only once`, async () => {
    const { store, find, settle } = await stored(["a", { text: "x".repeat(200_000) }]);
    const before = (await find("a"))!;
    store.remove(before);
    store.remove(before);

    assert.equal(store.refresh(before, "", FRESH, store.begin()), undefined);
    assert.equal(await find("a"), undefined);
    await settle();
    const after = await subject.elsewhere({ store, find, settle });
    assert.equal(await after.find("a"), undefined);
  });

  test(`${name}: what was replaced cannot be freshened: other bytes would get its fields`, async () => {
    const { store, find, settle } = await stored(["a", { text: "x".repeat(200_000) }]);
    const before = (await find("a"))!;
    put(store, responseOf("a", { text: "new" }));

    const filling = store.begin();
    assert.equal(store.refresh(before, "X-Old: 1\r\n", FRESH, filling), undefined);
    filling.ended();
    await settle();
    const found = (await (await subject.elsewhere({ store, find, settle })).find("a"))!;
    assert.deepEqual([await wholeBody(found), found.headers().get("x-old")], ["new", undefined]);
  });
}

const URL_OF = (path: string) => `http://a.test/${path}`;
const TAGGED = { lines: "Surrogate-Key: one two\r\nCache-Tag: three, four\r\n" };
const PATHS = ["x/1", "x/2", "y/1", "tagged"];

async function pathsIn({ find }: RecallSetUp): Promise<string> {
  const found: string[] = [];
  for (const path of PATHS) if ((await find(URL_OF(path))) !== undefined) found.push(path);
  return found.join(" ");
}

function purges(name: string, stored: Stored, subject: RecallSubject): void {
  const setUp = () =>
    stored([URL_OF("x/1")], [URL_OF("x/2")], [URL_OF("y/1")], [URL_OF("tagged"), TAGGED]);

  // biome-ignore format: a table
  const cases: readonly [what: string, kind: "url" | "prefix" | "tag", value: string, left: string][] = [
    ["a URL",            "url",    URL_OF("x/1"),  "x/2 y/1 tagged"],
    ["an unknown URL",   "url",    URL_OF("x/"),   "x/1 x/2 y/1 tagged"],
    ["a prefix",         "prefix", URL_OF("x/"),   "y/1 tagged"],
    ["a tag",            "tag",    "two",          "x/1 x/2 y/1"],
    ["the other field",  "tag",    "four",         "x/1 x/2 y/1"],
    ["part of a tag",    "tag",    "on",           "x/1 x/2 y/1 tagged"],
  ];
  for (const [what, kind, value, left] of cases) {
    test(`${name}: purges by ${what}, for good`, async () => {
      const set = await setUp();

      const purged = set.store.purge({ kind, value, isSoft: false }, 0);

      assert.equal(await pathsIn(set), left);
      await set.settle();
      await purged;
      assert.equal(await pathsIn(await subject.elsewhere(set)), left);
    });
  }

  test(`${name}: purges all, for good; what is stored after that stays`, async () => {
    const set = await setUp();

    const purged = set.store.purge({ kind: "all", isSoft: false }, 0);

    assert.equal(await pathsIn(set), "");
    await set.settle();
    await purged;
    put(set.store, responseOf(URL_OF("y/1")));
    await set.settle();
    assert.equal(await pathsIn(await subject.elsewhere(set)), "y/1");
  });

  test(`${name}: a soft purge leaves what is stale from then on`, async () => {
    const set = await setUp();

    const purged = set.store.purge({ kind: "prefix", value: URL_OF("x/"), isSoft: true }, 5_000);
    await set.settle();
    await purged;

    const after = await subject.elsewhere(set);
    assert.equal(await pathsIn(after), "x/1 x/2 y/1 tagged");
    const { lifetimeMs } = (await after.find(URL_OF("x/1")))!.freshness();
    assert.ok(lifetimeMs < FRESH.lifetimeMs, `${lifetimeMs}`);
    const other = (await after.find(URL_OF("y/1")))!.freshness();
    assert.equal(other.lifetimeMs, FRESH.lifetimeMs);
  });
}

function purgesThatComeFirst(name: string, subject: RecallSubject): void {
  for (const order of [
    { kind: "url", value: URL_OF("late") },
    { kind: "prefix", value: URL_OF("") },
    { kind: "tag", value: "late" },
    { kind: "all" },
  ] as const) {
    test(`${name}: what was asked for before a purge by ${order.kind} is not kept after it`, async () => {
      const set = await subject.make(OPTIONS);
      const lines = "Cache-Tag: late\r\n";
      const filling = set.store.begin();
      const purged = set.store.purge({ ...order, isSoft: false }, 0);
      await set.settle();
      await purged;

      set.store.put(responseOf(URL_OF("late"), { lines }), filling);
      await set.settle();
      const after = await subject.elsewhere(set);
      assert.equal(await after.find(URL_OF("late")), undefined);

      put(after.store, responseOf(URL_OF("late"), { lines }));
      await after.settle();
      assert.ok(await after.find(URL_OF("late")), "what is asked for later is");
    });
  }
}
