import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { exchangeOf, requestOf, routeNamed } from "../../test/support/exchange-of.ts";
import type { Captures } from "./runtime.ts";
import { capturesIn, Template, type TemplateContext, templateProblem } from "./template.ts";

const HEADERS = {
  "x-tag": "<b>&\"'",
  "x-utf8": "caf\xc3\xa9",
  "x-template": "{path} {{host}} {header.x-template}",
  cookie: "c=1; d={host}",
};
const CAPTURES: Captures = new Map([
  ["id", "a%20b"],
  ["*", "x/y%2Fz"],
  ["1", "one"],
]);

function exchangeFor(line: string, headers: Readonly<Record<string, string>> = HEADERS) {
  const route = routeNamed("r");
  const routes = { find: () => route, explain: () => route, captures: () => CAPTURES };
  return exchangeOf({ request: requestOf(line, headers), routes });
}

const LINE = "GET https://a.test:8443/p/a%20b/x?q=1+2%263&r=%C3%A9&s=%0D%0AX:1";

// biome-ignore format: a table
const cases: [source: string, context: TemplateContext, want: string][] = [
  ["plain",                       "text",     "plain"],
  ["",                            "text",     ""],
  ["{path}",                      "text",     "/p/a%20b/x"],
  ["{path.id}|{path.*}|{path.1}", "text",     "a%20b|x/y%2Fz|one"],
  ["{path.nobody}",               "text",     ""],
  ["{host} {port} {scheme} {method}", "text", "a.test 8443 https GET"],
  ["{clientIp} {requestId}",      "text",     "192.0.2.7 req-1"],
  ["{query.q} {query.none}",      "text",     "1 2&3 "],
  ["{header.X-Tag}",              "text",     "<b>&\"'"],
  ["{header.x-utf8}",             "text",     "café"],
  ["{cookie.c}",                  "text",     "1"],
  // Values are not looked at again (P2).
  ["{header.x-template}",         "text",     "{path} {{host}} {header.x-template}"],
  ["{cookie.d}",                  "html",     "{host}"],
  // Braces that are text.
  ["{\"a\": {\"b\": \"{host}\"}}", "json",    "{\"a\": {\"b\": \"a.test\"}}"],
  ["a{color:red} {} { x } {1}",   "text",     "a{color:red} {} { x } {1}"],
  ["{{host}} {{{host}}} {{host}", "text",     "{host} {{host}} {a.test"],
  ["{host}}",                     "text",     "a.test}"],
  // Each place encodes.
  ["<p>{header.x-tag}</p>",       "html",     "<p>&lt;b&gt;&amp;&quot;&#39;</p>"],
  ["\"{header.x-tag}\"",          "json",     "\"\\u003cb\\u003e\\u0026\\\"'\""],
  ["\"{query.s}\"",               "json",     "\"\\r\\nX:1\""],
  ["{query.s}",                   "header",   "X:1"],
  ["{query.r}",                   "header",   "\xc3\xa9"],
  ["{header.x-utf8}",             "header",   "caf\xc3\xa9"],
  ["é",                           "header",   "\xc3\xa9"],
  ["/n/{path.*}",                 "path",     "/n/x/y%2Fz"],
  ["/n{path}",                    "path",     "/n/p/a%20b/x"],
  ["/n/{query.q}",                "path",     "/n/1%202%263"],
  ["/n/{query.s}",                "path",     "/n/%0D%0AX%3A1"],
  ["/n/{header.x-tag}/é",         "path",     "/n/%3Cb%3E%26%22'/%C3%A9"],
  ["a={path.id}&b={query.q}",     "query",    "a=a%20b&b=1%202%263"],
  ["{query}&b=1",                 "query",    "q=1+2%263&r=%C3%A9&s=%0D%0AX:1&b=1"],
  ["next={target}",               "query",    "next=%2Fp%2Fa%2520b%2Fx%3Fq%3D1%2B2%25263%26r%3D%25C3%25A9%26s%3D%250D%250AX%3A1"],
  // A whole URL.
  ["https://{host}{target}",      "location", "https://a.test/p/a%20b/x?q=1+2%263&r=%C3%A9&s=%0D%0AX:1"],
  ["https://{host}:{port}{path}", "location", "https://a.test:8443/p/a%20b/x"],
  ["{scheme}://www.{host}/",      "location", "https://www.a.test/"],
  ["{path}",                      "location", "/p/a%20b/x"],
  ["{path}/",                     "location", "/p/a%20b/x/"],
  ["/new/{path.*}?from={path}&q={query.q}", "location", "/new/x/y%2Fz?from=/p/a%20b/x&q=1%202%263"],
  ["/login?next={target}#{path.id}", "location", "/login?next=%2Fp%2Fa%2520b%2Fx%3Fq%3D1%2B2%25263%26r%3D%25C3%25A9%26s%3D%250D%250AX%3A1#a%20b"],
  ["/s/{query.s}",                "location", "/s/%0D%0AX%3A1"],
  ["/a b/é",                      "location", "/a%20b/%C3%A9"],
  ["app://open/{path.id}",        "location", "app://open/a%20b"],
];

for (const [source, context, want] of cases) {
  test(`Template: ${source} in ${context}`, () => {
    assert.equal(new Template(source, context).expand(exchangeFor(LINE)), want);
  });
}

// biome-ignore format: a table
const refused: [source: string, context: TemplateContext, why: RegExp][] = [
  ["{pth}",                   "text",     /\{pth\} is no placeholder; did you mean \{path\}\?/],
  ["{headers.x}",             "text",     /did you mean \{header\.x\}\?/],
  ["{client_ip}",             "text",     /did you mean \{clientIp\}\?/],
  ["{constructor}",           "text",     /is no placeholder/],
  ["{constructor.x}",         "text",     /is no placeholder/],
  ["{status}",                "text",     /is no placeholder/],
  ["{header.a:b}",            "text",     /not the name of a header/],
  ["{path.a-b}",              "text",     /must be \*/],
  ["a\r\nb",                  "header",   /control characters/],
  ["/a\nb",                   "location", /control characters/],
  ["{query.to}",              "location", /must not begin with \{query\.to\}/],
  ["{path.*}",                "location", /must not begin with/],
  ["{host}/x",                "location", /must not begin with/],
  ["https://{query.host}/",   "location", /must not have \{query\.host\} in its host/],
  ["https://{host}{path.*}",  "location", /in its host; put a "\/" before it/],
  ["https://{host}.{header.x}/", "location", /in its host/],
  ["https://a@{host}/",       "location", /must not have "@" in its host/],
  ["javascript://{path}",     "location", /must not run a script/],
  ["{scheme}:{path}",         "location", /must begin with/],
  ["{scheme}{path}",          "location", /must begin with/],
  ["login",                   "location", /must begin with/],
  ["a/b",                     "location", /must begin with/],
  ["",                        "location", /must begin with/],
];

for (const [source, context, why] of refused) {
  test(`Template: refuses ${JSON.stringify(source)} in ${context}`, () => {
    assert.match(String(templateProblem(source, context)), why);
  });
}

test("Template: extra values are known only where they are given", () => {
  const template = new Template("{status} {requestId}", "html", ["status"]);

  assert.equal(template.expand(undefined, { status: "<404>" }), "&lt;404&gt; ");
  assert.equal(template.expand(exchangeFor("GET /"), { status: "404" }), "404 req-1");
});

test("Template: OPTIONS * has no path to go on with", () => {
  const template = new Template("https://{host}{target}", "location");

  assert.equal(template.expand(exchangeFor("OPTIONS http://a.test")), "https://a.test/");
});

test("capturesIn: every part of the path that any text asks for, each once", () => {
  const options = {
    to: "/{path.id}/{path.*}",
    more: [{ body: "{path.id} {path} {{path.no}} {host}" }],
    status: 308,
  };

  assert.deepEqual(capturesIn(options), ["id", "*"]);
});

test("Template: whatever a client sends stays in its place", () => {
  const byte = fc.integer({ min: 0x20, max: 0xff }).filter((code) => code !== 0x7f);
  const header = fc.array(byte).map((codes) => String.fromCharCode(...codes));
  const text = fc.oneof(
    header,
    fc.constantFrom('"</script>', "&x=1#", "../..", "{path}", "//evil.test"),
  );
  fc.assert(
    fc.property(text, fc.string(), (value, parameter) => {
      const line = `GET https://a.test/p?q=${encodeURIComponent(parameter)}`;
      const exchange = exchangeFor(line, { x: value });
      const expand = (source: string, context: TemplateContext) =>
        new Template(source, context).expand(exchange);

      const utf8 = Buffer.from(value, "latin1").toString("utf8");
      assert.deepEqual(JSON.parse(expand('["{header.x}","{query.q}"]', "json")), [utf8, parameter]);
      assert.doesNotMatch(expand("{header.x}{query.q}", "html"), /[<>"']/);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there
      assert.doesNotMatch(expand("{header.x}{query.q}", "header"), /[\x00-\x1f\x7f]|[^\x00-\xff]/);
      const url = new URL(expand("https://{host}/d/x{header.x}?a={query.q}&b=2#f", "location"));
      assert.equal(url.host, "a.test");
      assert.match(url.pathname, /^\/d\/x[^/]*$/);
      assert.deepEqual(
        [...url.searchParams],
        [
          ["a", parameter],
          ["b", "2"],
        ],
      );
    }),
    { numRuns: 1000 },
  );
});
