/** Error pages from another upstream, and in place of what the origin says. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { eventually } from "../support/deadline.ts";
import { fieldValue, fieldValues } from "../support/message.ts";
import type { Answer, Received } from "../support/origin.ts";
import { firstStatus, GET, OK, type Scenario, scenario } from "../support/scenario.ts";

const PAGE =
  "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\nset-cookie: a=b\r\nx-inside: 10.0.0.1\r\n" +
  "cache-control: max-age=9\r\ncontent-length: 15\r\n\r\n<h1>Sorry.</h1>";

const FROM = "5xx: { from: { upstream: pages, path: '/errors/{status}.html', timeout: 300ms } }";

interface Set {
  readonly app?: Answer;
  readonly pages?: Answer;
  readonly errors?: string;
  readonly route?: string;
}

async function start(it: Scenario, { app, pages = PAGE, errors, route = "" }: Set) {
  const origin = await it.origin(app ?? "<hang up>");
  const maker = await it.origin(pages);
  const proxy = await it.proxy(`
    upstreams: { app: "${origin.url}", pages: "${maker.url}" }
    sites:
      - hosts: ["*"]
        errors: { reasonHeader: true, ${errors ?? `pages: { ${FROM} }`} }
        routes: [{ forward: app ${route} }]
  `);
  return { origin, maker, proxy };
}

function answered(status: number, fields = "", body = "the origin's own words"): string {
  return `HTTP/1.1 ${status} X\r\n${fields}content-length: ${body.length}\r\n\r\n${body}`;
}

scenario("error pages: an upstream makes the page, once for all", async (it) => {
  const { maker, proxy } = await start(it, {});
  const client = await it.connect();

  for (let time = 0; time < 3; time++) {
    client.send(
      "GET /?secret=1 HTTP/1.1\r\nhost: a.test\r\ncookie: c=d\r\naccept: text/html\r\n\r\n",
    );
    const { status, fields, body } = await client.readResponse();

    assert.equal(status, 502);
    assert.equal(body, "<h1>Sorry.</h1>");
    assert.equal(fieldValue(fields, "content-type"), "text/html; charset=utf-8");
    assert.equal(fieldValue(fields, "sluice-reason"), "reset_before_head");
    assert.deepEqual(fieldValues(fields, "cache-control"), ["no-store"]);
    for (const name of ["set-cookie", "x-inside"])
      assert.equal(fieldValue(fields, name), undefined);
  }

  assert.equal(maker.received.length, 1);
  const { head } = maker.received[0]!;
  assert.match(head, /^GET \/errors\/502\.html HTTP\/1\.1\r\n/);
  assert.ok(!/secret|c=d|a\.test|For: 127/.test(head), `nothing of the client's: ${head}`);
  assert.equal((await proxy.accessLines(3))[2]!["fault"], "reset_before_head");
});

scenario(
  "error pages: HEAD has the length of the page, and programs their own kind",
  async (it) => {
    const { maker } = await start(it, {});
    const client = await it.connect();

    client.send("HEAD / HTTP/1.1\r\nhost: a.test\r\n\r\n");
    const head = await client.readResponse("HEAD");
    client.send("GET / HTTP/1.1\r\nhost: a.test\r\naccept: application/json\r\n\r\n");
    const json = await client.readResponse();

    assert.equal(fieldValue(head.fields, "content-length"), "15");
    assert.equal(JSON.parse(json.body)["code"], "reset_before_head");
    assert.equal(maker.received.length, 1);
  },
);

scenario("error pages: one that comes with the status that it is about", async (it) => {
  await start(it, { pages: answered(502, "content-type: text/html\r\n", "as it is") });

  assert.match(await it.client(GET), /^HTTP\/1\.1 502 [\s\S]*as it is$/);
});

const LONG = "x".repeat(256 * 1024 + 1);

// biome-ignore format: a table
const none: [name: string, pages: Answer][] = [
  ["is away",                    "<hang up>"],
  ["never answers",              () => new Promise<string>(() => {})],
  ["has no such page",           answered(404, "content-type: text/html\r\n")],
  ["sends us elsewhere",         answered(302, "location: /\r\ncontent-type: text/html\r\n")],
  ["says not what it is",        answered(200)],
  ["compresses it unasked",      answered(200, "content-type: text/html\r\ncontent-encoding: br\r\n")],
  ["sends nothing",              answered(200, "content-type: text/html\r\n", "")],
  ["stops in the middle",        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 50\r\n\r\n<h1><hang up>"],
  ["sends more than we take",    answered(200, "content-type: text/html\r\n", LONG)],
  ["sends no HTTP",              "\u0000\u0001\u0002 no such thing\r\n\r\n"],
];

for (const [name, pages] of none) {
  scenario(`error pages: ours, where the upstream for them ${name}`, async (it) => {
    const { maker } = await start(it, { pages });
    const client = await it.connect();

    client.send(GET);
    const first = await client.readResponse();
    client.send(GET);
    const second = await client.readResponse();

    for (const { status, body } of [first, second]) {
      assert.equal(status, 502);
      assert.ok(body.includes("reset_before_head"), body.slice(0, 200));
    }
    assert.ok(maker.received.length <= 2, `asked ${maker.received.length} times`); // once more on a fresh connection
  });
}

scenario(
  "error pages: never a loop, though the pages come from the upstream that fails",
  async (it) => {
    const origin = await it.origin("<hang up>");
    await it.proxy(`
    upstreams: { app: "${origin.url}" }
    sites:
      - hosts: ["*"]
        errors: { pages: { 5xx: { from: { upstream: app } } } }
        routes: [{ forward: app }]
  `);

    const answer = await it.client(GET);

    assert.match(answer, /^HTTP\/1\.1 502 [\s\S]*reset_before_head/);
    assert.deepEqual(
      origin.received.map(({ target }) => target),
      ["/", "/502.html"],
    );
  },
);

scenario(
  "error pages: who leaves while the page is asked for leaves nothing behind",
  async (it) => {
    const asked: Received[] = [];
    const { origin } = await start(it, {
      pages: (request) => {
        asked.push(request);
        return new Promise<string>(() => {});
      },
    });
    const gone = await it.connect();
    gone.send(GET);
    await eventually(
      () => (asked.length === 1 ? true : undefined),
      () => "the page is asked for",
    );

    gone.close();
    const other = await it.client(GET);

    assert.match(other, /^HTTP\/1\.1 502 [\s\S]*reset_before_head/);
    assert.equal(origin.received.length, 2);
  },
);

const INTERCEPT = `intercept: [5xx, 401, 404], pages: { 404: { html: "lost {status} {code}" }, ${FROM} }`;

// biome-ignore format: a table
const intercepted: [name: string, app: string, status: number, body: RegExp, fields: Record<string, string | undefined>][] = [
  ["a status of the list",     answered(404, "x-inside: 1\r\nset-cookie: a=b\r\n"), 404, /^lost 404 upstream_status$/, { "x-inside": undefined, "set-cookie": undefined }],
  ["one of a class",           answered(503, "retry-after: 7\r\n"),                 503, /^<h1>Sorry\.<\/h1>$/, { "retry-after": "7" }],
  ["what it takes to sign in", answered(401, 'www-authenticate: Basic realm="a"\r\n'), 401, /upstream_status/, { "www-authenticate": 'Basic realm="a"' }],
  ["a chunked body",           "HTTP/1.1 500 X\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 500, /^<h1>Sorry/, {}],
  ["a status that is not",     answered(403, "x-inside: 1\r\n"),                    403, /^the origin's own words$/, { "x-inside": "1" }],
  ["a success",                OK,                                                  200, /^ok$/, {}],
];

for (const [name, app, wanted, words, wantedFields] of intercepted) {
  scenario(`error pages: intercept: ${name}`, async (it) => {
    const { proxy, origin } = await start(it, { app, errors: INTERCEPT });
    const client = await it.connect();

    for (let time = 0; time < 2; time++) {
      client.send(GET);
      const { status, fields, body } = await client.readResponse();

      assert.equal(status, wanted);
      assert.match(body, words);
      for (const [field, value] of Object.entries(wantedFields))
        assert.equal(fieldValue(fields, field), value);
    }

    const lines = await proxy.accessLines(2);
    assert.equal(lines[0]!["status"], wanted);
    assert.equal(lines[0]!["fault"], undefined);
    assert.equal(origin.connections.length, 1, "the connection is used again");
  });
}

scenario("error pages: intercept: a long body of the origin's is not waited for", async (it) => {
  const endless = "HTTP/1.1 500 X\r\ncontent-length: 1000000000\r\n\r\nthe origin's own words";
  await start(it, { app: endless, errors: INTERCEPT });

  const answer = await it.client(GET);

  assert.match(answer, /^HTTP\/1\.1 500 [\s\S]*<h1>Sorry\.<\/h1>$/);
});

scenario("error pages: intercept: an upload that the origin refuses early", async (it) => {
  await start(it, { app: answered(503), errors: INTERCEPT });
  const body = "x".repeat(200_000);

  const answer = await it.client(
    `POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );

  assert.equal(firstStatus(answer), 503);
  assert.match(answer, /<h1>Sorry\.<\/h1>$/);
});

scenario("error pages: intercept: after the retries, and with a cache", async (it) => {
  const route = ", retry: { attempts: 2, on: [503] }, cache: 60s";
  const { origin } = await start(it, { app: answered(503), errors: INTERCEPT, route });
  const client = await it.connect();

  for (let time = 0; time < 2; time++) {
    client.send(GET);
    const { status, body } = await client.readResponse();
    assert.equal(status, 503);
    assert.equal(body, "<h1>Sorry.</h1>");
  }

  assert.equal(origin.received.length, 4);
});

for (const framing of ["content-length: 200000", "transfer-encoding: chunked"]) {
  scenario(`error pages: a refused upload waits for its page (${framing})`, async (it) => {
    const { origin, proxy } = await start(it, {
      errors: "pages: { 4xx: { from: { upstream: pages } } }",
      route: ", requestFilter: { methods: GET }",
    });
    const chunked = framing.startsWith("transfer");
    const body = "x".repeat(200_000);
    const sent = chunked ? `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n` : body;

    const answer = await it.client(`POST / HTTP/1.1\r\nhost: a.test\r\n${framing}\r\n\r\n${sent}`);

    assert.match(
      answer,
      /^HTTP\/1\.1 405 [\s\S]*\r\nallow: GET, HEAD\r\n[\s\S]*<h1>Sorry\.<\/h1>$/i,
    );
    assert.equal((await proxy.accessLines(1))[0]!["fault"], "method_not_allowed");
    assert.equal(origin.received.length, 0);
  });
}

scenario("error pages: over HTTP/2, and of an upstream that the config has", async (it) => {
  const origin = await it.origin("<hang up>");
  const maker = await it.origin(PAGE);
  const config = (from: string) => `
    upstreams: { app: "${origin.url}", pages: "${maker.url}" }
    listeners: { "127.0.0.1:0": { protocols: [h2c] } }
    defaults: { errors: { pages: { 5xx: { from: { upstream: ${from} } } } } }
    sites: [{ hosts: ["*"], listen: "127.0.0.1:0", routes: [{ forward: app }] }]
  `;
  await assert.rejects(it.proxy(config("page")), /upstream.*page/);
  const proxy = await it.proxy(config("pages"));
  const session = connect(`http://127.0.0.1:${proxy.port}`);
  it.defer(() => session.destroy());

  const answers = await Promise.all([getOver(session), getOver(session), getOver(session)]);
  const last = await getOver(session);

  for (const { status } of answers) assert.equal(status, 502);
  assert.equal(last.body, "<h1>Sorry.</h1>");
  assert.equal(maker.received.length, 1, "one asks for all");
  session.close();
});

async function getOver(session: ClientHttp2Session) {
  const stream = session.request({ ":path": "/" });
  const [head] = (await once(stream, "response")) as [Record<string, unknown>];
  let body = "";
  for await (const piece of stream.setEncoding("utf8")) body += piece;
  return { status: head[":status"], body };
}
