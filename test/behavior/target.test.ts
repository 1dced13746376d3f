/** One canonical target: what a route matches is what goes upstream, and nothing else (P1, P3, P4). */
import assert from "node:assert/strict";
import { FAULTS } from "../../src/core/fault.ts";
import {
  faultOf,
  firstStatus,
  forwardTo,
  OK,
  type Scenario,
  scenario,
} from "../support/scenario.ts";

// A route that guards /admin/* by answering itself: whoever gets past it is seen at the origin.
async function guarded(it: Scenario) {
  const origin = await it.origin(OK);
  const proxy = await it.proxy(`
    upstreams: { app: "${origin.url}" }
    sites:
      - hosts: [a.test]
        routes:
          - match: { path: /admin/* }
            respond: { status: 403, body: guarded }
          - forward: app
  `);
  return { origin, proxy };
}

// biome-ignore format: a table
const paths: [name: string, target: string, want: string | "guarded" | "refused"][] = [
  ["as it is",                           "/a/b",                     "/a/b"],
  ["the query is kept as it is",         "/a?b=%2e%2E/../c&&d=//",   "/a?b=%2e%2E/../c&&d=//"],
  ["an empty query",                     "/a?",                      "/a"],
  ["dot segments go",                    "/a/./b/../c",              "/a/c"],
  ["escaped dot segments go",            "/a/%2e/b/%2E%2e/c",        "/a/c"],
  ["a dot segment at the end",           "/a/b/..",                  "/a/"],
  ["escapes of letters are decoded",     "/%61%62",                  "/ab"],
  ["escapes are upper case",             "/%e4%bd%a0",               "/%E4%BD%A0"],
  ["an escaped slash stays opaque",      "/a%2fb",                   "/a%2Fb"],
  ["an escaped backslash stays opaque",  "/a%5cb",                   "/a%5Cb"],
  ["an escaped percent is not decoded",  "/a%252e%252e/b",           "/a%252e%252e/b"],
  ["slashes merge",                      "//a///b",                  "/a/b"],
  ["parameters stay",                    "/a;b=c/d",                 "/a;b=c/d"],
  ["the guard sees it plain",            "/admin/x",                 "guarded"],
  ["the guard sees the folder itself",   "/admin",                   "guarded"],
  ["through dot segments",               "/a/../admin/x",            "guarded"],
  ["through escaped dot segments",       "/a/%2e%2e/admin/x",        "guarded"],
  ["through escaped letters",            "/%61dmin/x",               "guarded"],
  ["through slashes",                    "//admin//x",               "guarded"],
  ["through a dot",                      "/./admin/x",               "guarded"],
  ["behind a query",                     "/admin/x?/../../b",        "guarded"],
  ["through the absolute form",          "http://a.test/admin/x",    "guarded"],
  ["above the root",                     "/../admin/x",              "refused"],
  ["above the root, escaped",            "/a/%2e%2e/%2e%2e/admin",   "refused"],
  ["a backslash",                        "/a\\..\\admin",            "refused"],
  ["a fragment",                         "/a#b",                     "refused"],
  ["an escaped NUL",                     "/admin%00/x",              "refused"],
  ["a broken escape",                    "/a%2",                     "refused"],
  ["an escape that is none",             "/a%zz",                    "refused"],
  ["overlong UTF-8 for a dot",           "/a/%c0%ae%c0%ae/admin",    "refused"],
  ["overlong UTF-8 for a slash",         "/a%c0%afadmin",            "refused"],
  ["dots with parameters (Tomcat)",      "/a/..;/admin/x",           "refused"],
  ["dots behind an escaped slash",       "/a%2f..%2fadmin/x",        "refused"],
  ["an asterisk for a GET",              "*",                        "refused"],
  ["no slash ahead",                     "admin/x",                  "refused"],
  ["an authority alone",                 "a.test:80",                "refused"],
  ["another scheme",                     "ftp://a.test/x",           "refused"],
  ["a file",                             "file:///etc/passwd",       "refused"],
  ["a scheme without an authority",      "http:/x",                  "refused"],
  ["a URL without a host",               "http:///x",                "refused"],
];

for (const [name, target, want] of paths) {
  scenario(`target: ${name}: ${want}`, async (it) => {
    const { origin, proxy } = await guarded(it);

    const answer = await it.client(`GET ${target} HTTP/1.1\r\nhost: a.test\r\n\r\n`);

    if (want === "refused") {
      assert.equal(firstStatus(answer), 400);
      assert.equal(await faultOf(proxy), "request_target");
    } else {
      assert.equal(firstStatus(answer), want === "guarded" ? 403 : 200);
    }
    const wanted = want === "refused" || want === "guarded" ? [] : [want];
    assert.deepEqual(
      origin.received.map((each) => each.target),
      wanted,
    );
  });
}

scenario("target: two requests that differ in an escaped slash stay two (P4)", async (it) => {
  const { origin } = await guarded(it);
  await it.client("GET /a%2Fb HTTP/1.1\r\nhost: a.test\r\n\r\n");
  await it.client("GET /a/b HTTP/1.1\r\nhost: a.test\r\n\r\n");

  const [first, second] = origin.received;
  assert.notEqual(first!.target, second!.target);
});

scenario("target: the absolute form goes to the origin in origin form", async (it) => {
  const { origin } = await guarded(it);

  await it.client("GET http://A.test:80/x?y HTTP/1.1\r\nhost: a.test\r\n\r\n");

  assert.equal(origin.received[0]!.target, "/x?y");
  assert.match(origin.received[0]!.head, /\r\nhost: a\.test\r\n/i);
});

scenario("target: an absolute form for somewhere else is not dialed (P3)", async (it) => {
  const elsewhere = await it.origin(OK);
  const { origin, proxy } = await guarded(it);

  const target = `http://127.0.0.1:${elsewhere.port}/x`;
  const answer = await it.client(`GET ${target} HTTP/1.1\r\nhost: a.test\r\n\r\n`);

  assert.equal(firstStatus(answer), 400);
  assert.equal(await faultOf(proxy), "request_host");
  assert.equal(elsewhere.connections.length + origin.connections.length, 0);
});

scenario("target: OPTIONS * goes on as it is", async (it) => {
  const origin = await it.origin(OK);
  await it.proxy(forwardTo(origin.url));

  const answer = await it.client("OPTIONS * HTTP/1.1\r\nhost: a.test\r\n\r\n");

  assert.equal(firstStatus(answer), 200);
  assert.equal(origin.received[0]!.target, "*");
});

scenario("target: encodedSlashes: reject refuses what keep lets through", async (it) => {
  const origin = await it.origin(OK);
  const site = "paths: { encodedSlashes: reject, slashes: keep }";
  await it.proxy(forwardTo(origin.url, { site }));

  const refused = await it.client("GET /a%2fb HTTP/1.1\r\nhost: a.test\r\n\r\n");
  const kept = await it.client("GET /a//b HTTP/1.1\r\nhost: a.test\r\n\r\n");

  assert.equal(firstStatus(refused), FAULTS.request_target.status);
  assert.equal(firstStatus(kept), 200);
  assert.deepEqual(
    origin.received.map((each) => each.target),
    ["/a//b"],
  );
});
