import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePathPattern, pathProblem } from "./path-pattern.ts";

// biome-ignore format: a table
const cases: [pattern: string, path: string, want: Record<string, string> | undefined][] = [
  ["/a",              "/a",            {}],
  ["/a",              "/a/",           undefined],
  ["/a",              "/A",            undefined],
  ["/a/",             "/a/",           {}],
  ["/a/",             "/a",            undefined],
  ["/",               "/",             {}],
  ["/",               "/a",            undefined],
  ["/a/*",            "/a",            { "*": "" }],
  ["/a/*",            "/a/",           { "*": "" }],
  ["/a/*",            "/a/b/c",        { "*": "b/c" }],
  ["/a/*",            "/ab",           undefined],
  ["/*",              "/",             { "*": "" }],
  ["/*",              "/a/b",          { "*": "a/b" }],
  ["/*",              "*",             undefined],
  ["/users/:id",      "/users/7",      { id: "7" }],
  ["/users/:id",      "/users/",       undefined],
  ["/users/:id",      "/users/7/",     undefined],
  ["/users/:id",      "/users/7/x",    undefined],
  ["/users/:id",      "/users",        undefined],
  ["/:a/x/:b",        "/1/x/2",        { a: "1", b: "2" }],
  ["/:a/x/:b",        "/1/y/2",        undefined],
  ["/:a/xy",          "/1/x",          undefined],
  ["/:a/*",           "/1/x/y",        { a: "1", "*": "x/y" }],
  ["/:a/*",           "/1",            { a: "1", "*": "" }],
  ["/:a/*",           "/",             undefined],
  ["/v:1/x:y",        "/v:1/x:y",      {}],
  ["/café/a b",       "/caf%C3%A9/a%20b", {}],
  ["/caf%c3%a9/%7e",  "/caf%C3%A9/~",  {}],
  ["/a|b",            "/a%7Cb",        {}],
  ["/[x]/*",          "/%5Bx%5D/1",    { "*": "1" }],
  ["~^/v([0-9]+)/(?<rest>.*)$", "/v12/a/b", { 0: "/v12/a/b", 1: "12", 2: "a/b", rest: "a/b" }],
  ["~^/v[0-9]+/",     "/vx/",          undefined],
];

for (const [source, path, want] of cases) {
  test(`PathPattern: ${source} ${want === undefined ? "does not match" : "matches"} ${path}`, () => {
    const pattern = parsePathPattern(source);

    assert.equal(pattern.matches(path), want !== undefined);
    if (want === undefined) return;
    const captures = pattern.captures(path);
    const got = Object.fromEntries(pattern.captureNames.map((name) => [name, captures.get(name)]));
    assert.deepEqual(got, want);
    assert.equal(captures.get("nobody"), undefined);
  });
}

// biome-ignore format: a table
const refused: [source: string, why: RegExp][] = [
  ["a",            /must start with/],
  ["",             /must start with/],
  ["*",            /must start with/],
  ["/a*",          /whole last segment/],
  ["/*/a",         /whole last segment/],
  ["/:",           /must name the parameter/],
  ["/:a-b",        /must name the parameter/],
  ["/:a/:a",       /names :a twice/],
  ["/a/../b",      /dot segments/],
  ["/a/.",         /dot segments/],
  ["/a?b",         /query or a fragment/],
  ["/a#b",         /query or a fragment/],
  ["/a%",          /broken escape/],
  ["/a%00",        /escaped NUL/],
  ["/a\\b",        /backslash/],
  ["/%2e%2e/a",    /climbs above/],
  ["~(a)\\1",      /back reference/],
];

for (const [source, why] of refused) {
  test(`PathPattern: refuses ${source}`, () => {
    assert.match(String(pathProblem(source)), why);
    assert.throws(() => parsePathPattern(source), why);
  });
}
