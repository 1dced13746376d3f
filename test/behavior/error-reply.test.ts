/** What a client is told when we answer ourselves: status, reason code and request id, no more. */
import assert from "node:assert/strict";
import { fieldValue } from "../support/message.ts";
import { forwardTo, scenario } from "../support/scenario.ts";

// biome-ignore format: a table
const rows: [name: string, accept: string | undefined, type: RegExp][] = [
  ["no Accept",                   undefined,                                     /^(text\/plain|application\/problem\+json)/],
  ["a browser",                   "text/html,application/xhtml+xml,*/*;q=0.8",   /^text\/html/],
  ["JSON",                        "application/json",                            /^application\/(problem\+)?json/],
  ["problem+json",                "application/problem+json",                    /^application\/problem\+json/],
  ["text",                        "text/plain",                                  /^text\/plain/],
  ["JSON rather than HTML",       "text/html;q=0.5, application/json",           /^application\/(problem\+)?json/],
  ["HTML rather than JSON",       "text/html, application/json;q=0.9",           /^text\/html/],
  ["anything but HTML",           "text/html;q=0, */*",                          /^(text\/plain|application\/(problem\+)?json)/],
];

for (const [name, accept, type] of rows) {
  scenario(`error reply: for ${name}`, async (it) => {
    const origin = await it.origin("<hang up>");
    const proxy = await it.proxy(forwardTo(origin.url));
    const client = await it.connect();

    client.send(
      `GET / HTTP/1.1\r\nhost: a.test\r\n${accept === undefined ? "" : `accept: ${accept}\r\n`}\r\n`,
    );
    const response = await client.readResponse();

    assert.equal(response.status, 502);
    assert.match(fieldValue(response.fields, "content-type")!, type);
    assert.equal(fieldValue(response.fields, "cache-control"), "no-store");
    const [line] = await proxy.accessLines(1);
    assert.ok(response.body.includes(String(line!["id"])), "the request id");
    assert.ok(response.body.includes("reset_before_head"), "the reason code");
    assert.ok(!response.body.includes("127.0.0.1"), "no detail of the inside");
  });
}

scenario("error reply: the JSON one is a problem of RFC 9457", async (it) => {
  const origin = await it.origin("<hang up>");
  await it.proxy(forwardTo(origin.url));
  const client = await it.connect();

  client.send("GET / HTTP/1.1\r\nhost: a.test\r\naccept: application/problem+json\r\n\r\n");
  const problem = JSON.parse((await client.readResponse()).body) as Record<string, unknown>;

  assert.equal(problem["status"], 502);
  assert.equal(problem["code"], "reset_before_head");
  assert.equal(typeof problem["title"], "string");
  assert.equal(typeof problem["requestId"], "string");
});

scenario("error reply: one to a good request leaves the connection open", async (it) => {
  const origin = await it.origin("<hang up>");
  await it.proxy(`
    upstreams: { app: "${origin.url}" }
    sites: [{ hosts: [a.test], routes: [{ match: { path: /here }, forward: app }] }]
  `);
  const client = await it.connect();

  for (const [request, status] of [
    ["GET /none HTTP/1.1\r\nhost: a.test\r\n\r\n", 404],
    ["GET /here HTTP/1.1\r\nhost: a.test\r\n\r\n", 502],
    ["GET / HTTP/1.1\r\nhost: b.test\r\n\r\n", 421],
    ["HEAD /none HTTP/1.1\r\nhost: a.test\r\n\r\n", 404],
    ["POST /none HTTP/1.1\r\nhost: a.test\r\ncontent-length: 5\r\n\r\nhello", 404],
    ["GET /none HTTP/1.1\r\nhost: a.test\r\n\r\n", 404],
  ] as const) {
    client.send(request);
    assert.equal((await client.readResponse(request.split(" ")[0])).status, status);
  }
});

scenario("error reply: what the client wrote does not come back as HTML (XSS)", async (it) => {
  const origin = await it.origin("<hang up>");
  await it.proxy(forwardTo(origin.url));

  const answer = await it.client(
    `GET /<script>alert(1)</script>?<b> HTTP/1.1\r\nhost: a.test\r\naccept: text/html\r\nx-request-id: <b>\r\n\r\n`,
  );

  assert.ok(!answer.includes("<script>") && !answer.includes("<b>"));
});
