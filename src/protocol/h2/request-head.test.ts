import assert from "node:assert/strict";
import { test } from "node:test";
import { field, GET, type Pair } from "../../../test/support/h2-frames.ts";
import { FieldSection } from "./field-section.ts";
import { readRequest } from "./request-head.ts";

const LIMITS = { fieldBytes: 32 * 1024, fieldCount: 100 };
const PATH_BYTES = 8 * 1024;

function read(pairs: readonly Pair[], isLast = true) {
  const section = new FieldSection(LIMITS, "request");
  for (const [name, value] of pairs) section.field(field(name, value));
  return readRequest(section, isLast, PATH_BYTES);
}

function without(name: string): readonly Pair[] {
  return GET.filter((pair) => pair[0] !== name);
}

function instead(name: string, value: string): readonly Pair[] {
  return GET.map((pair) => (pair[0] === name ? [name, value] : pair));
}

// biome-ignore format: a table
const REFUSED: readonly (readonly [name: string, pairs: readonly Pair[], wanted: string])[] = [
  ["no :method",                         without(":method"),                    "grammar"],
  ["no :scheme",                         without(":scheme"),                    "grammar"],
  ["no :path",                           without(":path"),                      "grammar"],
  ["an empty :method",                   instead(":method", ""),                "grammar"],
  ["a method in lower case",             instead(":method", "get"),             "grammar"],
  ["a line in :method",                  instead(":method", "GET / HTTP/1.1"),  "grammar"],
  ["a CRLF in :method",                  instead(":method", "GET\r\nx: y"),     "grammar"],
  ["a method longer than any",           instead(":method", "A".repeat(33)),    "grammar"],
  ["CONNECT",                            instead(":method", "CONNECT"),         "method"],
  ["TRACE",                              instead(":method", "TRACE"),           "method"],
  ["an unknown scheme",                  instead(":scheme", "file"),            "grammar"],
  ["an empty :path",                     instead(":path", ""),                  "grammar"],
  ["a :path without its slash",          instead(":path", "a"),                 "grammar"],
  ["an absolute :path",                  instead(":path", "http://b.test/"),    "grammar"],
  ["* for GET",                          instead(":path", "*"),                 "grammar"],
  ["a space in :path",                   instead(":path", "/ HTTP/1.1"),        "grammar"],
  ["a CRLF in :path",                    instead(":path", "/\r\nx: y"),         "grammar"],
  ["a tab in :path",                     instead(":path", "/\t"),               "grammar"],
  ["obs-text in :path",                  instead(":path", "/\xe9"),             "grammar"],
  ["a :path longer than the limit",      instead(":path", `/${"a".repeat(PATH_BYTES)}`), "path-too-long"],
  ["a CRLF in :authority",               instead(":authority", "a.test\r\nx: y"), "grammar"],
  ["Host that differs from :authority",  [...GET, ["host", "b.test"]],          "host"],
  ["Host that differs in its port",      [...GET, ["host", "a.test:81"]],       "host"],
  ["Host that is none",                  [...GET, ["host", "a.test/"]],         "host"],
  ["no authority at all",                without(":authority"),                 "host"],
  ["two Host",                           [...GET, ["host", "a.test"], ["host", "a.test"]], "grammar"],
  [":method twice",                      [[":method", "GET"], ...GET],          "grammar"],
  [":path twice",                        [[":path", "/"], ...GET],              "grammar"],
  [":authority twice",                   [[":authority", "a.test"], ...GET],    "grammar"],
  ["a pseudo-header field behind others", [["a", "b"], ...GET],                 "grammar"],
  ["an unknown pseudo-header field",     [...GET, [":foo", "x"]],               "grammar"],
  ["a response's pseudo-header field",   [[":status", "200"], ...GET],          "grammar"],
  [":protocol beside GET",               [[":protocol", "websocket"], ...GET],  "grammar"],
  [":protocol behind other fields",      [...instead(":method", "CONNECT"), ["a", "b"], [":protocol", "websocket"]], "grammar"],
  ["CONNECT for another protocol",       [[":protocol", "connect-udp"], ...instead(":method", "CONNECT")], "method"],
  ["a WebSocket in upper case",          [[":protocol", "WebSocket"], ...instead(":method", "CONNECT")], "method"],
  ["a WebSocket that has ended",         [[":protocol", "websocket"], ...instead(":method", "CONNECT"), ["sec-websocket-version", "13"]], "upgrade"],
  ["a name in upper case",               [...GET, ["X-A", "1"]],                "grammar"],
  ["an empty name",                      [...GET, ["", "1"]],                   "grammar"],
  ["a space in a name",                  [...GET, ["x a", "1"]],                "grammar"],
  ["a colon in a name",                  [...GET, ["x:a", "1"]],                "grammar"],
  ["a CRLF in a name",                   [...GET, ["x\r\na", "1"]],             "grammar"],
  ["a CRLF in a value",                  [...GET, ["x", "1\r\ny: 2"]],          "grammar"],
  ["a LF in a value",                    [...GET, ["x", "1\n2"]],               "grammar"],
  ["a NUL in a value",                   [...GET, ["x", "1\0"]],                "grammar"],
  ["a space before a value",             [...GET, ["x", " 1"]],                 "grammar"],
  ["a tab behind a value",               [...GET, ["x", "1\t"]],                "grammar"],
  ["a CRLF in a crumb",                  [...GET, ["cookie", "a=1\r\nx: y"]],   "grammar"],
  ["connection",                         [...GET, ["connection", "close"]],     "grammar"],
  ["keep-alive",                         [...GET, ["keep-alive", "5"]],         "grammar"],
  ["proxy-connection",                   [...GET, ["proxy-connection", "x"]],   "grammar"],
  ["upgrade",                            [...GET, ["upgrade", "h2c"]],          "grammar"],
  ["transfer-encoding (H2.TE)",          [...GET, ["transfer-encoding", "chunked"]], "grammar"],
  ["te other than trailers",             [...GET, ["te", "gzip"]],              "grammar"],
  ["content-length and no data (H2.CL)", [...GET, ["content-length", "5"]],     "framing"],
  ["content-length twice",               [...GET, ["content-length", "0"], ["content-length", "0"]], "framing"],
  ["content-length that is no number",   [...GET, ["content-length", "+0"]],    "framing"],
  ["an unknown expectation",             [...GET, ["expect", "200-ok"]],        "expectation"],
  ["more fields than the limit",         [...GET, ...Array.from({ length: 97 }, (): Pair => ["a", "b"])], "fields-too-large"],
  ["more crumbs than the limit (D4)",    [...GET, ...Array.from({ length: 97 }, (): Pair => ["cookie", ""])], "fields-too-large"],
  ["more bytes than the limit",          [...GET, ["a", "b".repeat(32 * 1024)]], "fields-too-large"],
];

for (const [name, pairs, wanted] of REFUSED) {
  test(`readRequest: refuses ${name}`, () => {
    const facts = read(pairs);

    assert.equal("refused" in facts ? facts.refused : facts, wanted);
  });
}

// biome-ignore format: a table
const ACCEPTED: readonly (readonly [name: string, pairs: readonly Pair[], lines: string])[] = [
  ["the least there is",          GET,                                               "host: a.test"],
  ["Host in place of :authority", [...without(":authority"), ["host", "a.test"]],    "host: a.test"],
  ["Host beside :authority",      [...GET, ["host", "a.test"]],                      "host: a.test"],
  ["Host spelt another way",      [...GET, ["host", "A.TEST:80"]],                   "host: a.test"],
  ["an empty :authority",         [...instead(":authority", ""), ["host", "a.test"]], "host: a.test"],
  ["one cookie",                  [...GET, ["cookie", "a=1"]],                       "host: a.test\r\ncookie: a=1"],
  ["crumbs of a cookie",          [...GET, ["cookie", "a=1"], ["x", "y"], ["cookie", "b=2"], ["cookie", "c=3"]], "host: a.test\r\nx: y\r\ncookie: a=1; b=2; c=3"],
  ["empty crumbs",               [...GET, ["cookie", ""], ["cookie", "a=1"], ["cookie", ""]], "host: a.test\r\ncookie: a=1"],
  ["an empty value",              [...GET, ["x", ""]],                               "host: a.test\r\nx: "],
  ["obs-text in a value",         [...GET, ["x", "\xe9"]],                           "host: a.test\r\nx: \xe9"],
  ["te: trailers",                [...GET, ["te", "trailers"]],                      "host: a.test\r\nte: trailers"],
  ["as many fields as may be",    [...GET, ...Array.from({ length: 96 }, (): Pair => ["a", "b"])], `host: a.test${"\r\na: b".repeat(96)}`],
];

for (const [name, pairs, lines] of ACCEPTED) {
  test(`readRequest: takes ${name}`, () => {
    const facts = read(pairs);

    assert.ok(!("refused" in facts), JSON.stringify(facts));
    assert.equal(facts.host, "a.test");
    assert.equal(facts.headers.text, `${lines}\r\n`);
    assert.deepEqual(facts.headers.lines(new Uint8Array(256)), `${lines}\r\n`);
    assert.equal(facts.headers.get("host"), "a.test");
  });
}

test("readRequest: the frames say where a body without a length ends", () => {
  const kindOf = (pairs: readonly Pair[], isLast: boolean) => {
    const facts = read(pairs, isLast);
    return "refused" in facts ? facts.refused : facts.framing;
  };
  const length = (text: string): readonly Pair[] => [...GET, ["content-length", text]];

  assert.deepEqual(kindOf(GET, true), { kind: "none" });
  assert.deepEqual(kindOf(GET, false), { kind: "chunked" });
  assert.deepEqual(kindOf(length("7"), false), { kind: "length", bytes: 7 });
  assert.deepEqual(kindOf(length("0"), true), { kind: "length", bytes: 0 });
});

test("readRequest: OPTIONS may ask for *, and odd names are marked", () => {
  const star = read([
    [":method", "OPTIONS"],
    [":scheme", "http"],
    [":path", "*"],
    ["host", "a"],
  ]);
  const plain = read([...GET, ["x-a", "1"]]);
  const odd = read([...GET, ["x_a", "1"]]);
  const claim = read([...GET, ["x-forwarded-by", "1"]]);

  assert.ok("target" in star && star.target === "*");
  assert.ok("target" in plain && !plain.hasOddNames);
  assert.ok("target" in odd && odd.hasOddNames);
  assert.ok("target" in claim && claim.hasOddNames);
});

test("readRequest: a WebSocket is the handshake that HTTP/1 would have had, with a key of ours", () => {
  const pairs: readonly Pair[] = [
    [":protocol", "websocket"],
    ...instead(":method", "CONNECT"),
    ["sec-websocket-version", "13"],
    ["sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="],
  ];

  const facts = read(pairs, false);
  const other = read(pairs, false);

  assert.ok("target" in facts && "target" in other, JSON.stringify(facts));
  assert.deepEqual([facts.method, facts.framing], ["GET", { kind: "none" }]);
  assert.deepEqual(facts.headers.all("sec-websocket-key"), [facts.websocketKey]);
  assert.match(facts.websocketKey ?? "", /^[A-Za-z0-9+/]{22}==$/);
  assert.notEqual(facts.websocketKey, other.websocketKey);
});

test("readRequest: Expect and TE are read", () => {
  const facts = read([...GET, ["expect", "100-continue"], ["te", "trailers"]], false);

  assert.ok("target" in facts && facts.expectsContinue && facts.takesTrailers);
});
