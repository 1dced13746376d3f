import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { exchangeOf, requestOf } from "../../../test/support/exchange-of.ts";
import { errorsSchema } from "./error-options.ts";
import { errorReplies } from "./errors.ts";

interface Asked {
  readonly options?: unknown;
  readonly accept?: string;
  readonly status?: number;
  readonly code?: string;
}

function reply({ options, accept, status = 404, code = "no_route" }: Asked) {
  const headers = accept === undefined ? {} : { accept };
  const exchange = exchangeOf({ request: requestOf("GET /a?q=%3Cb%3E", headers) });
  const checked = options === undefined ? undefined : errorsSchema.parse(options);
  const made = errorReplies(checked).reply(exchange, status, code);
  return {
    ...made,
    headers: made.headers ?? {},
    body: Buffer.from(made.body ?? "").toString("utf8"),
  };
}

const BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8";

test("errors: text for a client that does not say, never to be stored", () => {
  const answer = reply({});

  assert.equal(answer.status, 404);
  assert.deepEqual(answer.headers, {
    "cache-control": "no-store",
    "content-type": "text/plain; charset=utf-8",
  });
  assert.equal(answer.body, "404 Not Found: no_route (request req-1)\n");
});

test("errors: problem details for programs (RFC 9457)", () => {
  const answer = reply({ accept: "application/json" });

  assert.equal(answer.headers["content-type"], "application/problem+json");
  assert.deepEqual(JSON.parse(answer.body), {
    type: "about:blank",
    title: "Not Found",
    status: 404,
    code: "no_route",
    requestId: "req-1",
  });
});

test("errors: HTML for browsers, with code and request id", () => {
  const answer = reply({ accept: BROWSER, status: 503, code: "no_endpoint" });

  assert.equal(answer.headers["content-type"], "text/html; charset=utf-8");
  for (const part of ["503 Service Unavailable", "no_endpoint", "req-1"])
    assert.ok(answer.body.includes(part));
});

test("errors: a request that could not be read has no exchange, and gets text", () => {
  const { status, body } = errorReplies(undefined).reply(undefined, 400, "request_malformed");

  assert.equal(
    `${status} ${Buffer.from(body ?? "")}`,
    "400 400 Bad Request: request_malformed (request )\n",
  );
});

// biome-ignore format: a table
const kinds: [name: string, asked: Asked, type: string, body: RegExp][] = [
  ["quality decides",                 { accept: "text/html;q=0.2, application/problem+json;q=0.3" },                "application/problem+json", /no_route/],
  ["nothing acceptable is text",      { accept: "image/png" },                                                      "text/plain",  /no_route/],
  ["an own page for browsers",        { accept: BROWSER, options: { pages: { 404: { html: "<h1>lost {status}" } } } }, "text/html", /^<h1>lost 404$/],
  ["and for who takes anything",      { accept: "*/*", options: { pages: { 404: { html: "<h1>lost" } } } },         "text/html",   /lost/],
  ["but JSON stays for programs",     { accept: "application/json", options: { pages: { 404: { html: "lost" } } } }, "application/problem+json", /no_route/],
  ["an own page as JSON",             { accept: "application/json", options: { pages: { 404: { json: { error: "{code}" } } } } }, "application/problem+json", /^{"error":"no_route"}$/],
  ["a page of the class",             { status: 502, options: { pages: { "5xx": { text: "sorry {status} {title}" } } } }, "text/plain", /^sorry 502 Bad Gateway$/],
  ["the status before the class",     { status: 502, options: { pages: { "5xx": { text: "a" }, 502: { text: "b" } } } }, "text/plain", /^b$/],
  ["another class",                   { status: 404, options: { pages: { "5xx": { text: "a" } } } },                "text/plain",  /no_route/],
  ["values are escaped for HTML",     { accept: BROWSER, options: { pages: { 404: { html: "<p>{query.q}" } } } },   "text/html",   /^<p>&lt;b&gt;$/],
];

for (const [name, asked, type, body] of kinds) {
  test(`errors: ${name}`, () => {
    const answer = reply(asked);

    assert.equal(answer.headers["content-type"]?.split(";")[0], type);
    assert.match(answer.body, body);
  });
}

test("errors: a page of an upstream is what its path says it is", () => {
  const kindOf = (path?: string) =>
    errorsSchema.parse({ pages: { 404: { from: { upstream: "a", path } } } }).pages![404]!.from!
      .kind;

  assert.deepEqual([undefined, "/{status}", "/a.json", "/a.txt", "/a.HTM"].map(kindOf), [
    "html",
    "html",
    "json",
    "text",
    "html",
  ]);
});

test("errors: which statuses of the upstream are intercepted", () => {
  const intercepts = (intercept?: unknown) =>
    [404, 499, 500, 599].filter(
      (status) => errorReplies(errorsSchema.parse({ intercept })).intercepts?.has(status) === true,
    );

  assert.deepEqual(intercepts(), []);
  assert.deepEqual(intercepts([404, "5xx"]), [404, 500, 599]);
});

// biome-ignore format: a table
const reasons: [option: unknown, name: string | undefined][] = [
  [true, "sluice-reason"], ["X-Why", "x-why"], [false, undefined], [undefined, undefined],
];

for (const [reasonHeader, name] of reasons) {
  test(`errors: reasonHeader ${reasonHeader}`, () => {
    const { headers } = reply({ options: { reasonHeader } });

    assert.equal(
      Object.keys(headers).find((each) => headers[each] === "no_route"),
      name,
    );
  });
}

test("errors: a page from a file, read when the config is", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-errors-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "lost.html");
  writeFileSync(file, "<h1>{title}</h1>");
  const bad = join(folder, "bad.html");
  writeFileSync(bad, "<h1>{titel}</h1>");

  assert.equal(
    reply({ accept: BROWSER, options: { pages: { 404: { file } } } }).body,
    "<h1>Not Found</h1>",
  );
  const result = errorsSchema.safeParse({
    pages: { 404: { file: bad }, 500: { file: join(folder, "none.html") } },
  });
  const told =
    result.error?.issues.map(({ path, message }) => `${path.join(".")} ${message}`) ?? [];
  assert.match(told[0]!, /pages\.404 .*bad\.html.*did you mean \{title\}/);
  assert.match(told[1]!, /pages\.500 .*file that can be read/);
});

const refused: unknown[] = [
  { reasonHeader: 3 },
  { reasonHeader: "a b" },
  { pages: { 200: { text: "x" } } },
  { pages: { "6xx": { text: "x" } } },
  { pages: { 404: {} } },
  { pages: { 404: "x" } },
  { pages: { 404: { html: "{nothing}" } } },
  { pages: { 404: { json: "{nothing}" } } },
  { pages: { 404: { file: "a.php" } } },
  { pages: { 404: { xml: "x" } } },
  { page: {} },
  { pages: { 404: { from: "pages" } } },
  { pages: { 404: { from: { path: "/a.html" } } } },
  { pages: { 404: { from: { upstream: "a b" } } } },
  { pages: { 404: { from: { upstream: "a", path: "a.html" } } } },
  { pages: { 404: { from: { upstream: "a", path: "//b/a.html" } } } },
  { pages: { 404: { from: { upstream: "a", path: "/../a.html" } } } },
  { pages: { 404: { from: { upstream: "a", path: "/a.html?b" } } } },
  { pages: { 404: { from: { upstream: "a", path: "/a b" } } } },
  { pages: { 404: { from: { upstream: "a", timeout: "0s" } } } },
  { pages: { 404: { from: { upstream: "a", keep: "off" } } } },
  { intercept: 200 },
  { intercept: ["5xx", "3xx"] },
  { intercept: [] },
  { intercept: true },
  "x",
];

for (const options of refused) {
  test(`errors: refuses ${JSON.stringify(options)}`, () => {
    assert.equal(errorsSchema.safeParse(options).success, false);
  });
}
