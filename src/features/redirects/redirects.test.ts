import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { NO_TOOLS } from "../../../test/support/build-tools.ts";
import { exchangeOf, requestOf } from "../../../test/support/exchange-of.ts";
import type { Reply } from "../../core/filter.ts";
import type { TargetPolicy } from "../../protocol/http/target.ts";
import { parseMapText } from "./map-file.ts";
import { redirects } from "./redirects.ts";

const KEEP: TargetPolicy = { slashes: "keep", encodedSlashes: "keep" };

const MAP = {
  "/a": "/b",
  "/a/": "/slash",
  "/q?id=1": "/one",
  "/q": "/any#part",
  "/with": "/x?a=1",
  "/old/*": "/new/*",
  "/old/deep/*": "https://b.test/d/*",
  "/gone/*": "/",
  "/root/*": "/*",
  "/find/*": "/search?q=*",
};

function answerTo(options: unknown, line: string, paths?: TargetPolicy): string {
  const filter = redirects.build(redirects.schema.parse(options), NO_TOOLS);
  const reply = filter.rewrite!(exchangeOf({ request: requestOf(line, {}, paths) }));
  const { status, headers } = (reply ?? { status: 0 }) as Reply;
  return status === 0 ? "goes on" : `${status} ${headers?.["location"]}`;
}

// biome-ignore format: a table
const cases: [name: string, line: string, want: string, paths?: TargetPolicy][] = [
  ["a path",                          "GET /a",                 "308 /b"],
  ["the query goes along",            "GET /a?x=1",             "308 /b?x=1"],
  ["beside one that is there",        "GET /with?x=1",          "308 /x?a=1&x=1"],
  ["before a fragment",               "GET /q?x=1",             "308 /any?x=1#part"],
  ["a path with its query",           "GET /q?id=1",            "308 /one"],
  ["with a slash is another path",    "GET /a/",                "308 /slash"],
  ["a path below is another path",    "GET /a/b",               "goes on"],
  ["another case is another path",    "GET /A",                 "goes on"],
  ["what a prefix left",              "GET /old/x/y",           "308 /new/x/y"],
  ["a prefix by itself",              "GET /old",               "308 /new/"],
  ["a prefix with its slash",         "GET /old/",              "308 /new/"],
  ["whole segments only",             "GET /older",             "goes on"],
  ["the longest prefix",              "GET /old/deep/x%2Fy?q",  "308 https://b.test/d/x%2Fy?q"],
  ["a prefix to one place",           "GET /gone/x/y",          "308 /"],
  ["into a query",                    "GET /find/a%26b",        "308 /search?q=a%26b"],
  ["no other host where // is kept (P3)", "GET /root//evil.test/", "308 /evil.test/", KEEP],
  ["a method of another kind, too",   "POST /a",                "308 /b"],
  ["OPTIONS *",                       "OPTIONS http://a.test",  "goes on"],
];

for (const [name, line, want, paths] of cases) {
  test(`redirects: ${name}`, () => {
    assert.equal(answerTo({ map: MAP }, line, paths), want);
  });
}

test("redirects: the query may be dropped, the status be another, for all or for a line", () => {
  const folder = mkdtempSync(join(tmpdir(), "redirects-"));
  const file = join(folder, "map.txt");
  writeFileSync(file, "\ufeff# comment\r\n\r\n/a\t/b\r\n/c   /d 307\r\n");
  const options = { file, map: { "/e": "/f" }, status: 301, query: "drop" };

  const answers = ["/a?x", "/c", "/e", "/none"].map((path) => answerTo(options, `GET ${path}`));

  assert.deepEqual(answers, ["301 /b", "307 /d", "301 /f", "goes on"]);
  rmSync(folder, { recursive: true });
});

test("redirects: each line of a file that is wrong is told, up to a number", () => {
  const told = (text: string) => {
    const read = parseMapText(text, "map.txt");
    return "problems" in read ? read.problems : [];
  };

  assert.deepEqual(told("/a /b\n\n/a /c\nx /y\n"), [
    'map.txt:3: "/a" is in line 1 already',
    'map.txt:4: must be a path such as "/old", "/old/*" or "/old?id=1", got "x"',
  ]);
  const many = told("x\n".repeat(100));
  assert.equal(many.length, 21);
  assert.equal(many.at(-1), "map.txt: 80 more");
});

test("redirects: ten thousand prefixes, and a path of a thousand segments", () => {
  const entries = Array.from({ length: 10_000 }, (_, index) => [`/p${index}/*`, `/n${index}/*`]);
  const options = { map: Object.fromEntries(entries) };
  const below = "/a".repeat(1000);

  assert.equal(answerTo(options, `GET /p77${below}`), `308 /n77${below}`);
  assert.equal(answerTo(options, `GET /q77${below}`), "goes on");
});
