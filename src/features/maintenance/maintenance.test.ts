import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_TOOLS } from "../../../test/support/build-tools.ts";
import { exchangeOf, requestOf } from "../../../test/support/exchange-of.ts";
import { Directory } from "../../core/directory.ts";
import type { BuildTools } from "../../core/feature.ts";
import type { Reply } from "../../core/filter.ts";
import { maintenance } from "./maintenance.ts";

const PLACE = { site: "a.test", place: "a.test api" };

function toolsOf(directory: Directory | undefined): BuildTools {
  return Object.assign(Object.create(NO_TOOLS) as BuildTools, { ...PLACE, directory });
}

function answerTo(options: unknown, clientIp: string, accept?: string, directory?: Directory) {
  const filter = maintenance.build(maintenance.schema.parse(options), toolsOf(directory));
  const request = requestOf("GET /", accept === undefined ? {} : { accept });
  const reply = filter.admit!(exchangeOf({ request, clientIp })) as Reply | undefined;
  if (reply === undefined) return "passes";
  const { status, headers = {}, body = "" } = reply;
  return `${status} ${headers["retry-after"]} ${headers["content-type"] ?? "-"} ${body}`;
}

const IP = "192.0.2.7";
const PAGE = { html: "<h1>{status} {title}</h1>{header.accept}" };

// biome-ignore format: a table
const cases: [name: string, options: unknown, clientIp: string, accept: string | undefined, want: string][] = [
  ["is on",                           true,                              IP,            undefined,           "503 300 - maintenance"],
  ["is prepared, and off",            { on: false },                     IP,            undefined,           "passes"],
  ["says when",                       { retryAfter: "1h" },              IP,            undefined,           "503 3600 - maintenance"],
  ["lets an address pass",            { allow: [IP] },                   IP,            undefined,           "passes"],
  ["lets a network pass",             { allow: ["2001:db8::/32"] },      "2001:db8::1", undefined,           "passes"],
  ["lets nobody else pass",           { allow: ["10.0.0.0/8", "unix"] }, IP,            undefined,           "503 300 - maintenance"],
  ["lets a unix socket pass",         { allow: ["unix"] },               "unix",        undefined,           "passes"],
  ["has no unix socket unasked",      { allow: ["0.0.0.0/0"] },          "unix",        undefined,           "503 300 - maintenance"],
  ["has a page for browsers",         PAGE,                              IP,            "text/html,*/*;q=0.8", "503 300 text/html; charset=utf-8 <h1>503 Service Unavailable</h1>text/html,*/*;q=0.8"],
  ["whose values are escaped",        PAGE,                              IP,            "text/html, a/<b>",  "503 300 text/html; charset=utf-8 <h1>503 Service Unavailable</h1>text/html, a/&lt;b&gt;"],
  ["has none for programs",           PAGE,                              IP,            "application/json",  "503 300 - maintenance"],
];

for (const [name, options, clientIp, accept, want] of cases) {
  test(`maintenance: ${name}`, () => {
    assert.equal(answerTo(options, clientIp, accept), want);
  });
}

test("maintenance: the operator's word goes before the config's, a route's before its site's", () => {
  const directory = new Directory();
  const filter = maintenance.build(maintenance.schema.parse({ on: false }), toolsOf(directory));
  const isOn = () => filter.admit!(exchangeOf({ request: requestOf("GET /") })) !== undefined;
  const say = (name: string, on: boolean | undefined) => {
    if (on === undefined) directory.delete("maintenance", name);
    else directory.set({ kind: "maintenance", name, isOn: on });
    return isOn();
  };

  assert.equal(isOn(), false);
  assert.equal(say("b.test", true), false, "another site");
  assert.equal(say("a.test other", true), false, "another route");
  assert.equal(say("a.test", true), true);
  assert.equal(say("a.test api", false), false);
  assert.equal(say("a.test api", undefined), true);
  assert.equal(say("a.test", undefined), false);
});

const refused: [options: unknown, why: RegExp][] = [
  ["on", /true, or a map/],
  [{ on: "yes" }, /true or false/],
  [{ allow: ["a.test"] }, /is not an address/],
  [{ allow: ["10.0.0.1/8"] }, /beyond its prefix/],
  [{ retryAfter: 60 }, /duration/],
  [{ html: "{nothing}" }, /no placeholder/],
  [{ file: "/nowhere/page.html" }, /can be read/],
  [{ html: "a", file: "/nowhere/page.html" }, /beside html/],
  [{ status: 500 }, /status/],
];

for (const [options, why] of refused) {
  test(`maintenance: the config ${JSON.stringify(options)} is refused`, () => {
    assert.match(JSON.stringify(maintenance.schema.safeParse(options).error?.issues), why);
  });
}
