/** What every cache store must do with bodies in other codings. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CacheStore, StoredBody, StoredResponse } from "../../src/stores/cache-store.ts";
import { GrowingBody } from "../../src/stores/growing-body.ts";
import { bodyOf, FRESH, type Make, put, responseOf } from "./cache-store-suite.ts";

function addCoded(
  store: CacheStore,
  response: StoredResponse,
  coding: string,
  text: string,
): StoredBody | undefined {
  const body = new GrowingBody();
  if (text !== "") body.append(Buffer.from(text));
  return store.addCoded(response, coding, body, store.begin());
}

export function codedBodies(name: string, store: Make): void {
  limits(name, store);
  for (const length of [0, 10, 5_000, 20_480, 20_481, 200_000]) {
    test(`${name}: a body in another coding of ${length} bytes stays and goes with its response`, () => {
      const { store: cache } = store();
      const stored = put(cache, responseOf("a"))!;
      const before = cache.stats.bytes;
      const text = "0123456789".repeat(length / 10 + 1).slice(0, length);

      const coded = addCoded(cache, stored, "gzip", text);

      assert.equal(cache.lookup("a", 0)!.coded("gzip"), coded);
      assert.equal(coded && bodyOf(coded), text);
      assert.equal(stored.coded("br"), undefined);
      assert.equal(bodyOf(cache.lookup("a", 0)!), "body of a");
      assert.ok(cache.stats.bytes >= before + 400, "it is counted");
      cache.remove(stored);
      assert.equal(cache.stats.bytes, 0);
    });
  }

  test(`${name}: a body in another coding outlives freshening, and not a new response`, () => {
    const { store: cache } = store();
    const stored = put(cache, responseOf("a"))!;
    addCoded(cache, stored, "gzip", "coded");
    const filling = cache.begin();

    cache.refresh(stored, `X-B: ${"2".repeat(500)}\r\n`, FRESH, filling);
    filling.ended();
    const fresh = cache.lookup("a", 0)!.coded("gzip");
    assert.equal(fresh && bodyOf(fresh), "coded");

    put(cache, responseOf("a", { text: "new" }));
    assert.equal(cache.lookup("a", 0)!.coded("gzip"), undefined);
  });
}

function limits(name: string, store: Make): void {
  test(`${name}: what is gone gets no other coding, and nothing gets one twice`, () => {
    const { store: cache } = store();
    const stored = put(cache, responseOf("a"))!;
    addCoded(cache, stored, "gzip", "coded");

    assert.equal(addCoded(cache, stored, "gzip", "again"), undefined);
    cache.purge({ kind: "all", isSoft: false }, 0);
    assert.equal(addCoded(cache, stored, "br", "late"), undefined);
    assert.equal(cache.stats.bytes, 0);
  });

  test(`${name}: the budget holds with other codings, for any mix of sizes`, () => {
    const { store: cache } = store();
    let word = 7;
    let most = 0;
    let kept = 0;
    for (let count = 0; count < 5_000; count++) {
      word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
      const size = word % 10 === 0 ? word % 300_000 : word % 9_000;
      const url = `u${word % 3_000}`;
      const text = "x".repeat(size);
      const stored = cache.lookup(url, 0) ?? put(cache, responseOf(url, { text }));
      const coding = count % 2 === 0 ? "gzip" : "br";
      const bytes = "y".repeat(Math.floor(size / 3));
      const coded = stored && addCoded(cache, stored, coding, bytes);
      if (coded !== undefined) kept++;
      most = Math.max(most, cache.stats.bytes);
    }

    assert.ok(most <= cache.stats.bytesMax, `${most}`);
    assert.ok(kept > 3_000, `${kept}`);
    for (let count = 0; count < 3_000; count++) {
      for (const coding of ["gzip", "br"]) {
        const coded = cache.lookup(`u${count}`, 0)?.coded(coding);
        if (coded !== undefined) assert.match(bodyOf(coded), /^y*$/);
      }
    }
    cache.purge({ kind: "all", isSoft: false }, 0);
    assert.equal(cache.stats.bytes, 0);
  });
}
