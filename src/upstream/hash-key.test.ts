import assert from "node:assert/strict";
import { test } from "node:test";
import { exchangeOf, requestOf } from "../../test/support/exchange-of.ts";
import { type HashKeySource, hashKeyReader } from "./hash-key.ts";

const exchange = exchangeOf({
  request: requestOf("GET http://Shop.test/a/./b?user=J%20D&x", {
    "X-User": "jo",
    Cookie: "a=1; sid=s1; sid=s2",
  }),
  clientIp: "192.0.2.7",
});

// biome-ignore format: a table
const cases: [source: HashKeySource, want: string | undefined][] = [
  [{ of: "clientIp" },                    "192.0.2.7"],
  [{ of: "host" },                        "shop.test"],
  [{ of: "path" },                        "/a/b"],
  [{ of: "url" },                         "shop.test/a/b?user=J%20D&x"],
  [{ of: "header", name: "x-user" },      "jo"],
  [{ of: "header", name: "x-none" },      undefined],
  [{ of: "cookie", name: "sid" },         "s1"],
  [{ of: "cookie", name: "none" },        undefined],
  [{ of: "query", name: "user" },         "J D"],
  [{ of: "query", name: "x" },            ""],
  [{ of: "query", name: "none" },         undefined],
];

for (const [source, want] of cases) {
  test(`hashKeyReader: ${JSON.stringify(source)}`, () => {
    assert.equal(hashKeyReader(source)(exchange), want);
  });
}
