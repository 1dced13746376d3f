import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isCanonicalPath } from "./path.ts";
import { canonicalTarget, TARGET_POLICY, type TargetPolicy } from "./target.ts";

const KEEP: TargetPolicy = { slashes: "keep", encodedSlashes: "keep" };
const REJECT: TargetPolicy = { slashes: "merge", encodedSlashes: "reject" };

function read(raw: string, policy: TargetPolicy, method = "GET"): string {
  const target = canonicalTarget(raw, method, policy);
  if (target.kind === "refused") return `refused: ${target.why}`;
  const url = target.query === "" ? target.path : `${target.path}?${target.query}`;
  return target.scheme === "" ? url : `${target.scheme} ${target.authority} ${url}`;
}

// biome-ignore format: a table
const paths: [name: string, raw: string, want: string, policy?: TargetPolicy][] = [
  ["a clean path",                        "/a/b.css",            "/a/b.css"],
  ["the root",                            "/",                   "/"],
  ["a query",                             "/a?b=c&d",            "/a?b=c&d"],
  ["an empty query",                      "/a?",                 "/a"],
  ["a query is kept as it is",            "/a?../%2e//%zz\\[?",  "/a?../%2e//%zz\\[?"],
  ["a hidden directory",                  "/.well-known/x",      "/.well-known/x"],
  ["three dots are a name",               "/.../x",              "/.../x"],
  ["dots within a name",                  "/a..b/.c./d.",        "/a..b/.c./d."],
  ["sub-delimiters",                      "/a;b=c,d@e:f!$&'()*+", "/a;b=c,d@e:f!$&'()*+"],
  ["a dot segment",                       "/a/./b",              "/a/b"],
  ["a dot segment at the end",            "/a/.",                "/a/"],
  ["one up",                              "/a/../b",             "/b"],
  ["one up at the end",                   "/a/b/..",             "/a/"],
  ["up to the root",                      "/a/..",               "/"],
  ["escaped dots",                        "/a/%2e%2E/b",         "/b"],
  ["half escaped dots",                   "/a/.%2e/b",           "/b"],
  ["above the root",                      "/..",                 "refused: a path that climbs above its root"],
  ["above the root, escaped",             "/%2e%2e/etc",         "refused: a path that climbs above its root"],
  ["above the root, later",               "/a/../../b",          "refused: a path that climbs above its root"],
  ["two slashes",                         "/a//b",               "/a/b"],
  ["slashes at the start",                "///a",                "/a"],
  ["slashes at the end",                  "/a//",                "/a/"],
  ["up over an empty segment",            "/a//../b",            "/b"],
  ["two slashes, kept",                   "/a//b",               "/a//b",      KEEP],
  ["up over an empty segment, kept",      "/a//../b",            "/a/b",       KEEP],
  ["an escaped letter",                   "/%61dmin",            "/admin"],
  ["an escaped tilde",                    "/%7euser",            "/~user"],
  ["lower-case digits",                   "/caf%c3%a9",          "/caf%C3%A9"],
  ["upper-case digits",                   "/caf%C3%A9",          "/caf%C3%A9"],
  ["an escaped space",                    "/a%20b",              "/a%20b"],
  ["an escaped slash is no slash",        "/a%2fb",              "/a%2Fb"],
  ["an escaped backslash",                "/a%5cb",              "/a%5Cb"],
  ["an escaped slash, rejected",          "/a%2fb",              "refused: an escaped slash in the path", REJECT],
  ["an escaped backslash, rejected",      "/a%5Cb",              "refused: an escaped slash in the path", REJECT],
  ["no escaped slash to reject",          "/a%20b",              "/a%20b",     REJECT],
  ["escaped twice is decoded never",      "/%252e%252e/%252F",   "/%252e%252e/%252F"],
  ["dots behind an escaped slash",        "/a/..%2f..%2fetc",    "refused: a dot segment behind an escaped slash"],
  ["dots between escaped backslashes",    "/a%5c..%5cb",         "refused: a dot segment behind an escaped slash"],
  ["dots with parameters",                "/a/..;/b",            "refused: a dot segment with parameters"],
  ["dots with parameters, escaped",       "/a/%2e%2e;x=1/b",     "refused: a dot segment with parameters"],
  ["one dot with parameters",             "/.;/b",               "refused: a dot segment with parameters"],
  ["parameters",                          "/a;v=1/b",            "/a;v=1/b"],
  ["an escaped NUL",                      "/a%00",               "refused: an escaped NUL in the path"],
  ["an overlong dot",                     "/%c0%ae%c0%ae/",      "refused: overlong UTF-8 in the path"],
  ["an overlong slash",                   "/a%e0%80%af",         "refused: overlong UTF-8 in the path"],
  ["an overlong slash of four",           "/a%f0%80%80%af",      "refused: overlong UTF-8 in the path"],
  ["three bytes, none too many",          "/%E0%A4%85",          "/%E0%A4%85"],
  ["a latin1 letter",                     "/%C0x",               "/%C0x"],
  ["an escape without digits",            "/a%",                 "refused: a broken escape in the path"],
  ["an escape with one digit",            "/a%2",                "refused: a broken escape in the path"],
  ["an escape cut by the query",          "/a%2?f",              "refused: a broken escape in the path"],
  ["an escape cut by a slash",            "/a%2/f",              "refused: a broken escape in the path"],
  ["an escape with wrong digits",         "/a%zz",               "refused: a broken escape in the path"],
  ["a backslash",                         "/a\\b",               "refused: a backslash in the path"],
  ["a fragment",                          "/a#b",                "refused: a fragment in the path"],
  ["a fragment in the query",             "/a?b#c",              "refused: a byte in the query that no URL may hold"],
  ["a space",                             "/a b",                "refused: a space in the path"],
  ["a space in the query",                "/a?b c",              "refused: a byte in the query that no URL may hold"],
  ["a control character",                 "/a\x01",              "refused: a control character in the path"],
  ["a line feed in the query",            "/a?b\nc",             "refused: a byte in the query that no URL may hold"],
  ["DEL",                                 "/a\x7f",              "refused: a control character in the path"],
  ["a byte outside ASCII",                "/\xe9",               "refused: a character outside ASCII in the path"],
  ["a byte outside ASCII in the query",   "/?\xe9",              "refused: a byte in the query that no URL may hold"],
  ["beyond latin1",                       "/\u{1F600}",          "refused: a character outside ASCII in the path"],
  ["what browsers leave raw is escaped",  "/[a]|^`{}\"<>",       "/%5Ba%5D%7C%5E%60%7B%7D%22%3C%3E"],
  ["absolute form",                       "http://a.test/x?y",   "http a.test /x?y"],
  ["absolute form, any case",             "HTTPS://A.test:443/", "https A.test:443 /"],
  ["absolute form without a path",        "http://a.test",       "http a.test /"],
  ["absolute form with only a query",     "http://a.test?x",     "http a.test /?x"],
  ["absolute form, dots in the query",    "http://a.test?/../x", "http a.test /?/../x"],
  ["absolute form, dots",                 "http://a.test/a/../b", "http a.test /b"],
  ["absolute form with a fragment",       "http://a.test#x",     "refused: a fragment in the path"],
  ["absolute form without a host",        "http:///x",           "refused: a URL without a host"],
  ["another scheme",                      "ftp://a.test/",       "refused: neither a path nor an http or https URL"],
  ["a scheme and one slash",              "http:/a.test/",       "refused: neither a path nor an http or https URL"],
  ["authority form",                      "a.test:80",           "refused: neither a path nor an http or https URL"],
  ["a relative path",                     "a/b",                 "refused: neither a path nor an http or https URL"],
  ["nothing",                             "",                    "refused: neither a path nor an http or https URL"],
  ["an asterisk with GET",                "*",                   "refused: asterisk with a method other than OPTIONS"],
];

for (const [name, raw, want, policy = TARGET_POLICY] of paths) {
  test(`canonicalTarget: ${name}`, () => {
    assert.equal(read(raw, policy), want);
  });
}

test("canonicalTarget: OPTIONS may ask for the asterisk, in both forms", () => {
  assert.equal(read("*", TARGET_POLICY, "OPTIONS"), "*");
  assert.equal(read("http://a.test", TARGET_POLICY, "OPTIONS"), "http a.test *");
  assert.equal(read("http://a.test/", TARGET_POLICY, "OPTIONS"), "http a.test /");
});

const PIECES = ["/", "//", ".", "..", "%2e", "%2E", "%2f", "%2F", "%5c", "%25", "%41", "%c3%a9"];
const anyPath = fc
  .array(
    fc.oneof(
      fc.constantFrom(...PIECES, "%00", ";", "%C0", "%AE", "%", "|", "a", "b.c"),
      fc.string(),
    ),
  )
  .map((pieces) => `/${pieces.join("")}`);

for (const [name, policy] of Object.entries({ merge: TARGET_POLICY, KEEP, REJECT })) {
  test(`canonicalTarget: what it makes, it leaves alone (${name})`, () => {
    let accepted = 0;
    fc.assert(
      fc.property(anyPath, (raw) => {
        const first = canonicalTarget(raw, "GET", policy);
        if (first.kind === "refused") return;
        accepted++;
        const again = canonicalTarget(`${first.path}?${first.query}`, "GET", policy);
        assert.deepEqual(again, first);
        assert.ok(isCanonicalPath(first.path, policy));
        assert.doesNotMatch(first.path, /\/\.\.?(\/|$)|[^!-~]|[#?\\|]|%[^0-9A-F]|%.[^0-9A-F]/);
        if (policy.slashes === "merge") assert.doesNotMatch(first.path, /\/\//);
        const path = raw.split("?")[0]!;
        assert.equal(isCanonicalPath(path, policy), first.path === path);
      }),
      { numRuns: 2000 },
    );
    assert.ok(accepted > 200, `only ${accepted} accepted`);
  });
}

test("canonicalTarget: agrees with the URL standard on dot segments", () => {
  const segment = fc.constantFrom("a", "b", ".", "..", "%2e", ".%2E", "c%20d", ".e", "f;g");
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1 }), (segments) => {
      const raw = `/${segments.join("/")}`;
      const target = canonicalTarget(raw, "GET");
      if (target.kind !== "refused") assert.equal(target.path, new URL(raw, "http://a").pathname);
    }),
    { numRuns: 500 },
  );
});

test("isCanonicalPath: refuses what is no path at all", () => {
  for (const path of ["", "*", "a", "/a?b", "/a/../b", "/a b", "/%2e"]) {
    assert.equal(isCanonicalPath(path, TARGET_POLICY), false, path);
  }
});
