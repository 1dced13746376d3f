import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { NO_TOOLS } from "../../../test/support/build-tools.ts";
import { exchangeOf, requestOf } from "../../../test/support/exchange-of.ts";
import type { Exchange } from "../../core/exchange.ts";
import { requestDrops } from "../../core/forwarding-fields.ts";
import { dropTable, HeaderList, KnownLines } from "../../protocol/http/header-list.ts";
import { headers } from "./headers.ts";

const KEEP_ALL = dropTable([]);

type Fields = Readonly<Record<string, string>>;

function edited(request: unknown, fields: Fields, isKnown = false): Exchange {
  const filter = headers.build(headers.schema.parse({ request }), NO_TOOLS);
  const exchange = exchangeOf({ request: requestOf("GET /a?q=%0D%0Ax:1", fields) });
  if (isKnown) exchange.request.headers = HeaderList.on(knownOf(fields));
  filter.rewrite!(exchange);
  return exchange;
}

function knownOf(fields: Fields): KnownLines {
  const lines = HeaderList.of(fields).lines(KEEP_ALL);
  const { offsets } = HeaderList.ofLines(lines);
  return new KnownLines(lines, lines.length, offsets, offsets.length);
}

function answered(response: unknown, status: number, fields: Fields): string {
  const filter = headers.build(headers.schema.parse({ response }), NO_TOOLS);
  const exchange = exchangeOf({ request: requestOf("GET /a?q=b", { "x-id": "7" }) });
  exchange.response = { status, headers: HeaderList.of(fields) };
  filter.respond!(exchange);
  return shown(exchange.response.headers.lines(KEEP_ALL));
}

const shown = (lines: string) => lines.split("\r\n").slice(0, -1).join(" | ");

// biome-ignore format: a table
const requests: [name: string, edits: unknown, fields: Fields, want: string][] = [
  ["set puts one in place of all",   { set: { "X-A": "new" } },               { a: "1", "x-a": "old", "X-a": "older" }, "a: 1 | X-A: new"],
  ["set where there is none",        { set: { "x-a": "new" } },               { a: "1" },                 "a: 1 | x-a: new"],
  ["set of nothing is none",         { set: { "x-a": "{query.none}" } },      { "x-a": "forged" },        ""],
  ["setIfMissing where it is",       { setIfMissing: { "X-A": "b" } },        { "x-a": "a" },             "x-a: a"],
  ["setIfMissing where it is not",   { setIfMissing: { "x-a": "b" } },        {},                         "x-a: b"],
  ["setIfMissing with a value of the request", { setIfMissing: { "x-a": "{clientIp}" } }, {},             "x-a: 192.0.2.7"],
  ["add beside what there is",       { add: { "x-a": ["b", "c"] } },          { "x-a": "a" },             "x-a: a | x-a: b | x-a: c"],
  ["remove",                         { remove: ["X-A", "cookie"] },           { "x-a": "a", cookie: "c", b: "" }, "b: "],
  ["remove by wildcard",             { remove: ["x-int-*", "*-debug"] },      { "X-Int-User": "1", "x-int-": "2", "x-int": "3", "my-debug": "4" }, "x-int: 3"],
  ["a wildcard spares what is the proxy's", { remove: ["x-*"] },              { "x-forwarded-for": "192.0.2.1", "x-a": "1" }, "x-forwarded-for: 192.0.2.1"],
  ["remove takes aliases too (H4)",  { remove: ["x-user", "x-in-*"] },        { x_user: "1", "x.user": "2", "X_In-A": "3", "x-users": "4" }, "x-users: 4"],
  ["set takes aliases too (H4)",     { set: { "x-user": "me" } },             { x_user: "1", X_USER: "2" }, "x-user: me"],
  ["add takes aliases, and leaves the name (H4)", { add: { "x-user": "me" } }, { x_user: "1", "x-user": "2" }, "x-user: 2 | x-user: me"],
  ["replace a text",                 { replace: [{ name: "x-a", find: "b", with: "-" }] }, { "x-a": "abcb" }, "x-a: a-c-"],
  ["replace by groups",              { replace: [{ name: "X-A", find: "~^(\\w+)@(\\w+)$", with: "{match.2}/{match.1}" }] }, { "x-a": "me@here" }, "X-A: here/me"],
  ["replace in every value",         { replace: [{ name: "x-a", find: "~[0-9]", with: "#" }] }, { "x-a": "1a2" }, "x-a: #a#"],
  ["replace of all of it is none",   { replace: [{ name: "x-a", find: "~.*", with: "" }] }, { "x-a": "1" }, ""],
  ["one after the other",            { replace: [{ name: "a", find: "1", with: "2" }, { name: "a", find: "2", with: "3" }] }, { a: "1" }, "a: 3"],
  ["a name is moved to another",     { set: { "x-new": "{header.x-old}" }, remove: ["x-old"] }, { "x-old": "v" }, "x-new: v"],
  ["two names change places",        { set: { a: "{header.b}", b: "{header.a}" } }, { a: "1", b: "2" },   "a: 2 | b: 1"],
  ["what is put in is not looked at again (P2)", { set: { a: "{header.b}" } }, { b: "{header.c}", c: "secret" }, "b: {header.c} | c: secret | a: {header.c}"],
  ["a value cannot end the line (P2)", { set: { a: "{query.q}" } },           {},                         "a: x:1"],
];

for (const [name, edits, fields, want] of requests) {
  for (const isKnown of [false, true]) {
    test(`headers: ${name}${isKnown ? ", of known lines" : ""}`, () => {
      const { request } = edited(edits, fields, isKnown);

      assert.equal(shown(request.headers.lines(KEEP_ALL)), want);
      assert.equal(request.headersReceived?.lines(KEEP_ALL), HeaderList.of(fields).lines(KEEP_ALL));
    });
  }
}

test("headers: lines that come again are edited once, and are known lines again", () => {
  const filter = headers.build(
    headers.schema.parse({ request: { set: { a: "1" }, remove: ["b"] } }),
    NO_TOOLS,
  );
  const known = knownOf({ b: "2", c: "3" });
  const edit = () => {
    const exchange = exchangeOf({ request: requestOf("GET /") });
    exchange.request.headers = HeaderList.on(known);
    filter.rewrite!(exchange);
    return exchange.request.headers.known;
  };

  const first = edit();

  assert.ok(first !== undefined && first !== known);
  assert.equal(first, edit());
  assert.equal(
    shown(HeaderList.on(known).lines(KEEP_ALL)),
    "b: 2 | c: 3",
    "they stay as they were",
  );
});

test("headers: a claim that is ours goes upstream, and the client's own does not (H3)", () => {
  const { request, ...rest } = edited(
    { set: { "x-real-ip": "{clientIp}" }, add: { "x-original-host": "a.test" } },
    { "x-real-ip": "203.0.113.9", "true-client-ip": "203.0.113.9", "x-original-host": "evil" },
    true,
  );
  const exchange = { ...rest, request, client: { isTrusted: false } } as unknown as Exchange;

  const sent = shown(request.headers.lines(requestDrops(exchange)));

  assert.equal(sent, "x-real-ip: 192.0.2.7 | x-original-host: a.test");
});

test("headers: host", () => {
  const hostAfter = (host: string, fields: Fields = {}) => {
    const { request, fault } = edited({ set: { Host: host } }, fields);
    return fault?.code ?? `${request.upstreamHost} ${shown(request.headers.lines(KEEP_ALL))}`;
  };

  assert.equal(hostAfter("b.test:8080"), "b.test:8080 ");
  assert.equal(hostAfter("{endpoint}"), "{endpoint} ");
  assert.equal(hostAfter("{header.x}.test", { x: "a" }), "a.test x: a");
  assert.equal(hostAfter("{header.x}", { x: "a@b/c" }), "request_host", "no host (H1)");
  assert.equal(hostAfter("{header.x}", { x: "{endpoint}" }), "request_host", "no word of ours");
  assert.equal(hostAfter("{header.x}"), "request_host", "nothing");
});

// biome-ignore format: a table
const responses: [name: string, edits: unknown, status: number, want: string][] = [
  ["without a condition",       { set: { a: "1" }, remove: ["server"] },                         200, "x: y | a: 1"],
  ["for a status it has",       { set: { a: "1" }, when: { status: 404 } },                      404, "server: s | x: y | a: 1"],
  ["for a class it is in",      { set: { a: "1" }, when: { status: ["4xx", "503"] } },           404, "server: s | x: y | a: 1"],
  ["for others it is not in",   { set: { a: "1" }, when: { status: ["5xx", 403] } },             404, "server: s | x: y"],
  ["several, in order",         [{ set: { a: "1" } }, { add: { a: "2" }, when: { status: "2xx" } }], 200, "server: s | x: y | a: 1 | a: 2"],
  ["with what the request said", { set: { a: "{header.x-id} {path}" } },                         200, "server: s | x: y | a: 7 /a"],
  ["aliases are names of their own", { remove: ["x-a"] },                                        200, "server: s | x: y"],
];

for (const [name, edits, status, want] of responses) {
  test(`headers of a response: ${name}`, () => {
    assert.equal(answered(edits, status, { server: "s", x: "y" }), want);
  });
}

const refused: [options: unknown, why: RegExp][] = [
  [{}, /request or response/],
  [{ request: { set: { connection: "close" } } }, /framed/],
  [{ request: { set: { "Content-Length": "3" } } }, /framed/],
  [{ request: { remove: ["transfer-encoding"] } }, /framed/],
  [{ request: { set: { "x-forwarded-for": "1" } } }, /trust\.proxies/],
  [{ request: { set: { via: "1" } } }, /via: off/],
  [{ request: { set: { proxy: "1" } } }, /HTTPoxy/],
  [{ request: { remove: ["host"] } }, /no request goes without/],
  [{ request: { add: { host: "a.test" } } }, /one Host/],
  [{ request: { set: { host: "a b" } } }, /a host such as/],
  [{ request: { set: { a: "{endpoint}" } } }, /is for host alone/],
  [{ request: { set: { host: "x.{endpoint}" } } }, /is for host alone/],
  [{ request: { set: { "a b": "1" } } }, /name of a header/],
  [{ request: { set: { a: "" } } }, /not be empty/],
  [{ request: { set: { a: "1\r\nb: 2" } } }, /control characters/],
  [{ request: { set: { a: "{nothing}" } } }, /no placeholder/],
  [{ request: { set: { a: "1" }, remove: ["A"] } }, /also in set/],
  [{ request: { remove: ["*"] } }, /name with one/],
  [{ request: { remove: ["a*b*"] } }, /name with one/],
  [{ request: { replace: [{ name: "a", find: "", with: "b" }] } }, /not be empty/],
  [{ request: { replace: [{ name: "a", find: "~(", with: "b" }] } }, /not closed/],
  [{ request: { replace: [{ name: "a", find: "~(a)", with: "{match.2}" }] } }, /no placeholder/],
  [{ request: { replace: [{ name: "a", find: "b" }] } }, /a text/],
  [{ response: [] }, /./],
  [{ response: { set: { a: "1" }, when: { status: 99 } } }, /a status such as/],
  [{ response: { set: { a: "1" }, when: { status: "1xx" } } }, /a status such as/],
  [{ response: { set: { "content-encoding": "gzip" } } }, /compress/],
  [{ request: { when: { status: 200 } } }, /when/],
];

for (const [options, why] of refused) {
  test(`headers: the config ${JSON.stringify(options)} is refused`, () => {
    const { error } = headers.schema.safeParse(options);

    assert.match(JSON.stringify(error?.issues), why);
  });
}

test("headers: no edit makes CR, LF or NUL, whatever a client sends", () => {
  const filter = headers.build(
    headers.schema.parse({
      request: {
        set: { a: "x{query.q}y", b: "{header.h}", c: "{cookie.c}" },
        setIfMissing: { d: "{path}{query}" },
        replace: [{ name: "h", find: "~(.)(.*)", with: "{match.2}{query.q}{match.1}" }],
      },
    }),
    NO_TOOLS,
  );
  const latin1 = fc.string({
    unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)),
  });
  const printable = latin1.map((text) => text.replaceAll("\x7f", ""));

  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), printable, (query, value) => {
      const target = `/?q=${encodeURIComponent(query.toWellFormed())}`;
      const request = requestOf(`GET ${target}`, { h: value, cookie: `c=${value}` });
      const exchange = exchangeOf({ request });

      filter.rewrite!(exchange);

      exchange.request.headers.each((name, text) => {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there
        assert.doesNotMatch(text, /[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]/, name);
      });
    }),
  );
});
