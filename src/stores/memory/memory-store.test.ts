import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bodyOf,
  cacheStoreSuite,
  put,
  responseOf,
} from "../../../test/support/cache-store-suite.ts";
import { MemoryStore } from "./memory-store.ts";

function make(options: { bytesMax: number; variantsMax: number }) {
  const due: (() => void)[] = [];
  const store = new MemoryStore({ ...options, later: (act) => due.push(act) });
  const settle = () => {
    for (let act = due.shift(); act !== undefined; act = due.shift()) act();
  };
  return { store, settle };
}

cacheStoreSuite("MemoryStore", make);

test("MemoryStore: a smaller budget holds at once", () => {
  const { store } = make({ bytesMax: 8_000_000, variantsMax: 4 });
  for (let count = 0; count < 2_000; count++) {
    put(store, responseOf(`u${count}`, { text: "x".repeat(3_000) }));
  }

  store.resize(2_000_000);

  assert.ok(store.stats.bytes <= 2_000_000, `${store.stats.bytes}`);
  assert.ok(store.stats.objects > 100, `${store.stats.objects}`);
});

test("MemoryStore: small objects that grow older make room for larger ones, page by page", () => {
  const { store } = make({ bytesMax: 4_000_000, variantsMax: 4 });
  for (let count = 0; count < 10_000; count++) put(store, responseOf(`small${count}`));

  for (let count = 0; count < 500; count++) {
    put(store, responseOf(`large${count}`, { text: `${count} `.repeat(4_000) }));
  }

  let kept = 0;
  for (let count = 0; count < 500; count++) {
    const found = store.lookup(`large${count}`, 0);
    if (found === undefined) continue;
    assert.equal(bodyOf(found), `${count} `.repeat(4_000));
    kept++;
  }
  assert.ok(kept > 50, `${kept}`);
  assert.ok(store.stats.bytes <= 4_000_000);
});

test("MemoryStore: every response keeps its own bytes while others come, go and are freshened", () => {
  const { store } = make({ bytesMax: 1_000_000, variantsMax: 4 });
  let word = 1;
  for (let count = 0; count < 20_000; count++) {
    word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
    const url = `u${word % 500}`;
    const found = store.lookup(url, 0);
    if (found === undefined) {
      put(store, responseOf(url, { text: `${url} `.repeat((word >>> 8) % 2_000) }));
    } else if (word % 7 === 0) {
      const filling = store.begin();
      store.refresh(
        found,
        `X-A: ${"y".repeat((word >>> 4) % 900)}\r\n`,
        found.freshness(),
        filling,
      );
      filling.ended();
    } else {
      assert.match(bodyOf(found).slice(0, 40), new RegExp(`^(${url} )*`));
      assert.equal(bodyOf(found), `${url} `.repeat(found.bodyBytes / (url.length + 1)));
      store.touch(found);
    }
  }
  assert.ok(store.stats.bytes <= 1_000_000);
});

test("MemoryStore: URLs made to have one hash are found like any others (hash flood)", () => {
  // "Aa" and "BB" are the same to a hash that multiplies by 31, and so are all mixes of them; with such
  // a hash this test would not end within its time.
  const { store } = make({ bytesMax: 256_000_000, variantsMax: 4 });
  const urlOf = (number: number) => {
    let url = "http://a.test/";
    for (let bit = 0; bit < 16; bit++) url += (number >> bit) % 2 === 0 ? "Aa" : "BB";
    return url;
  };
  for (let number = 0; number < 65_536; number++) put(store, responseOf(urlOf(number)));

  for (let number = 0; number < 65_536; number += 97) {
    assert.equal(bodyOf(store.lookup(urlOf(number), 0)!), `body of ${urlOf(number)}`);
  }
  assert.equal(store.stats.objects, 65_536);
});
