import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_TOOLS } from "../../../test/support/build-tools.ts";
import { exchangeOf, requestOf, routeNamed } from "../../../test/support/exchange-of.ts";
import type { Reply } from "../../core/filter.ts";
import type { Framing } from "../../protocol/h1/framing.ts";
import { HeaderList } from "../../protocol/http/header-list.ts";
import { requestFilter } from "./request-filter.ts";

interface Asked {
  readonly line?: string;
  readonly fields?: readonly (readonly [name: string, value: string])[];
  readonly framing?: Framing;
}

function run(options: object, { line = "GET /", fields = [], framing }: Asked) {
  const filter = requestFilter.build(requestFilter.schema.parse(options), NO_TOOLS);
  const request = requestOf(line);
  request.headers = HeaderList.empty();
  for (const [name, value] of fields) request.headers.add(name, value);
  const exchange = exchangeOf({ request, route: routeNamed("r") });
  Object.assign(exchange.route!, { errors: exchange.listener.errors });
  if (framing !== undefined) Object.assign(exchange.downstream, { requestFraming: framing });
  const reply = filter.admit!(exchange) as Reply | undefined;
  return { reply, exchange, told: reply ? `${reply.status} ${String(reply.body)}` : "passes" };
}

const CHUNKED: Framing = { kind: "chunked" };
const FIVE: Framing = { kind: "length", bytes: 5 };
const METHOD = "405 method_not_allowed";
const HIDDEN = "404 path_hidden";
const QUERY = "414 query_too_large";
const TYPE = "415 content_type_refused";
const AGENT = "403 user_agent_refused";
const FIELDS = "431 header_fields_too_large";
const REQUIRED = "400 header_required";
const LENGTH = "411 length_required";

const json = (framing: Framing, ...types: string[]): Asked => ({
  line: "POST /",
  framing,
  fields: types.map((type) => ["Content-Type", type] as const),
});
const agent = (...agents: string[]): Asked => ({
  fields: agents.map((each) => ["User-Agent", each] as const),
});
const TYPES = { contentTypes: ["application/json", "*/*+json"] };
const DOTS = { hide: ["dotfiles", "/internal/*", "~\\.(bak|sql)$"] };
const BOTS = { userAgents: { deny: ["scanners", "EvilBot", "~^-$"], allow: "good evilbot" } };

// biome-ignore format: a table
const cases: [name: string, options: object, asked: Asked, told: string][] = [
  ["a method of the list",                   { methods: ["GET", "POST"] }, { line: "POST /" },                       "passes"],
  ["HEAD goes with GET",                     { methods: "GET" }, { line: "HEAD /" },                                 "passes"],
  ["but GET not with HEAD",                  { methods: "HEAD" }, { line: "GET /" },                                 METHOD],
  ["another method",                         { methods: ["GET", "POST"] }, { line: "DELETE /" },                     METHOD],
  ["methods have a case",                    { methods: ["GET"] }, { line: "get /" },                                METHOD],
  ["a file whose name begins with a dot",    DOTS, { line: "GET /.git/config" },                                     HIDDEN],
  ["further down",                           DOTS, { line: "GET /a/b/.env" },                                        HIDDEN],
  ["written with an escape",                 DOTS, { line: "GET /a/%2egit/config" },                                 HIDDEN],
  ["a dot within a name",                    DOTS, { line: "GET /a.b/c.d" },                                         "passes"],
  ["what is there to be asked for",          DOTS, { line: "GET /.well-known/security.txt" },                        "passes"],
  ["what only begins like it",               DOTS, { line: "GET /.well-knownish/x" },                                HIDDEN],
  ["a dotfile below it",                     DOTS, { line: "GET /.well-known/.git" },                                HIDDEN],
  ["below a hidden prefix",                  DOTS, { line: "GET /internal/x" },                                      HIDDEN],
  ["beside a hidden prefix",                 DOTS, { line: "GET /internals" },                                       "passes"],
  ["by an expression",                       DOTS, { line: "GET /dump.sql" },                                        HIDDEN],
  ["a query of just as many bytes",          { query: { bytes: 3 } }, { line: "GET /?a=b" },                         "passes"],
  ["a byte more",                            { query: { bytes: 3 } }, { line: "GET /?a=bc" },                        QUERY],
  ["no query allowed, none there",           { query: { bytes: 0 } }, { line: "GET /?" },                            "passes"],
  ["as many parameters",                     { query: { count: 2 } }, { line: "GET /?a&b" },                         "passes"],
  ["one more",                               { query: { count: 2 } }, { line: "GET /?a&b&a" },                       QUERY],
  ["empty ones are none",                    { query: { count: 1 } }, { line: "GET /?&&a&&" },                       "passes"],
  ["a type of the list",                     TYPES, json(FIVE, "application/json"),                                  "passes"],
  ["with parameters, in another case",       TYPES, json(CHUNKED, "Application/JSON; charset=utf-8"),                "passes"],
  ["a suffix",                               TYPES, json(FIVE, "application/vnd.a+json"),                            "passes"],
  ["another type",                           TYPES, json(FIVE, "text/xml"),                                          TYPE],
  ["a body of no type",                      TYPES, json(CHUNKED),                                                   TYPE],
  ["two types",                              TYPES, json(FIVE, "application/json", "text/xml"),                      TYPE],
  ["two types in one field",                 TYPES, json(FIVE, "text/xml, application/json"),                        TYPE],
  ["no body",                                TYPES, { line: "GET /" },                                               "passes"],
  ["an empty body",                          TYPES, json({ kind: "length", bytes: 0 }),                              "passes"],
  ["a length that is there",                 { lengthRequired: true }, json(FIVE),                                   "passes"],
  ["no body needs none",                     { lengthRequired: true }, {},                                           "passes"],
  ["a chunked body",                         { lengthRequired: true }, json(CHUNKED),                                LENGTH],
  ["a program of a list of ours",            BOTS, agent("sqlmap/1.7 (https://sqlmap.org)"),                         AGENT],
  ["a word, case aside",                     BOTS, agent("Mozilla/5.0 (compatible; evilbot/2)"),                     AGENT],
  ["an expression",                          BOTS, agent("-"),                                                       AGENT],
  ["one that is allowed all the same",       BOTS, agent("a Good EvilBot"),                                          "passes"],
  ["a browser",                              BOTS, agent("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"),           "passes"],
  ["the second of two",                      BOTS, agent("Mozilla/5.0", "nikto"),                                    AGENT],
  ["none, where none is fine",               BOTS, {},                                                               "passes"],
  ["none",                                   { userAgents: { required: true } }, {},                                 AGENT],
  ["an empty one",                           { userAgents: { required: true } }, agent(""),                          AGENT],
  ["a name of Object.prototype is a word",   { userAgents: { deny: ["constructor"] } }, agent("x constructor"),      AGENT],
  ["as many fields",                         { headers: { count: 2 } }, { fields: [["a", "1"], ["b", "2"]] },        "passes"],
  ["one more field",                         { headers: { count: 2 } }, { fields: [["a", "1"], ["b", "2"], ["a", "3"]] }, FIELDS],
  ["a value as long",                        { headers: { valueBytes: 16 } }, { fields: [["a", "x".repeat(16)]] },   "passes"],
  ["a value longer",                         { headers: { valueBytes: 16 } }, { fields: [["a", "x".repeat(17)]] },   FIELDS],
  ["a header that is there",                 { headers: { require: { "X-Key": "*" } } }, { fields: [["x-key", ""]] }, "passes"],
  ["one that is missing",                    { headers: { require: { "X-Key": "*" } } }, {},                         REQUIRED],
  ["of another value",                       { headers: { require: { "x-v": ["1", "~^2"] } } }, { fields: [["x-v", "3"]] }, REQUIRED],
  ["by an expression of the list",           { headers: { require: { "x-v": ["1", "~^2"] } } }, { fields: [["x-v", "2a"]] }, "passes"],
  ["once right and once wrong",              { headers: { require: { "x-v": "1" } } }, { fields: [["x-v", "1"], ["x-v", "3"]] }, REQUIRED],
];

for (const [name, options, asked, told] of cases) {
  test(`requestFilter: ${name}`, () => {
    assert.equal(run(options, asked).told, told);
  });
}

test("requestFilter: who is told no is told which methods there are", () => {
  const { reply } = run({ methods: ["GET", "PUT"] }, { line: "POST /" });

  assert.equal(reply?.headers?.["allow"], "GET, HEAD, PUT");
});

test("requestFilter: in mode warn it lets pass, and says what it would have refused", () => {
  const { told, exchange } = run({ methods: "GET", mode: "warn" }, { line: "POST /" });

  assert.equal(told, "passes");
  assert.deepEqual(exchange.warned, ["method_not_allowed"]);
});

test("requestFilter: names of programs that come by the thousand are not kept", () => {
  const options = requestFilter.schema.parse({ userAgents: { deny: ["bad"] } });
  const filter = requestFilter.build(options, NO_TOOLS);

  for (let index = 0; index < 2_000; index++) {
    const headers = { "user-agent": `${index % 2 === 0 ? "bad" : "good"} ${index}` };
    const exchange = exchangeOf({ request: requestOf("GET /", headers), route: routeNamed("r") });
    Object.assign(exchange.route!, { errors: exchange.listener.errors });
    const reply = filter.admit!(exchange) as Reply | undefined;
    assert.equal(reply?.status, index % 2 === 0 ? 403 : undefined);
  }
});
