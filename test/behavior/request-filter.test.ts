/** requestFilter over real sockets: what it refuses never reaches the upstream, however it comes. */
import assert from "node:assert/strict";
import { fieldValue } from "../support/message.ts";
import { forwardTo, OK, scenario } from "../support/scenario.ts";

const RULES = `requestFilter: {
  methods: [GET, POST], hide: dotfiles, contentTypes: application/json,
  query: { count: 2 }, userAgents: { deny: scanners }
}`;

const BODY = "content-type: text/xml\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";

// biome-ignore format: a table
const refused: [name: string, request: string, status: number, code: string][] = [
  ["a method",            "PUT / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 0\r\n\r\n",      405, "method_not_allowed"],
  ["a dotfile, escaped",  "GET /a/%2Eenv HTTP/1.1\r\nhost: a.test\r\n\r\n",                   404, "path_hidden"],
  ["a query",             "GET /?a&b&c HTTP/1.1\r\nhost: a.test\r\n\r\n",                     414, "query_too_large"],
  ["a chunked body",      `POST / HTTP/1.1\r\nhost: a.test\r\n${BODY}`,                       415, "content_type_refused"],
  ["a scanner",           "GET / HTTP/1.1\r\nhost: a.test\r\nuser-agent: SQLmap/1\r\n\r\n",   403, "user_agent_refused"],
];

for (const [name, request, status, code] of refused) {
  scenario(`requestFilter: ${name} is refused, and the next request served`, async (it) => {
    const origin = await it.origin(OK);
    const proxy = await it.proxy(forwardTo(origin.url, { route: RULES }));
    const client = await it.connect();

    client.send(request);
    const response = await client.readResponse();
    client.send("GET / HTTP/1.1\r\nhost: a.test\r\n\r\n");
    const next = await client.readResponse();

    assert.equal(response.status, status);
    assert.equal(
      fieldValue(response.fields, "allow"),
      status === 405 ? "GET, HEAD, POST" : undefined,
    );
    assert.equal((await proxy.accessLines(1))[0]!["fault"], code);
    assert.equal(next.status, 200);
    assert.equal(origin.received.length, 1);
  });
}

scenario("requestFilter: split at every byte it is the same answer", async (it) => {
  const origin = await it.origin(OK);
  await it.proxy(forwardTo(origin.url, { route: RULES }));
  const request =
    "POST /?a HTTP/1.1\r\nhost: a.test\r\ncontent-type: a/b\r\ncontent-length: 2\r\n\r\nhi";

  const answers = await Promise.all(
    Array.from(request, async (_, at) => {
      const client = await it.connect();
      client.send(request.slice(0, at));
      await new Promise(setImmediate);
      client.send(request.slice(at));
      return (await client.readResponse()).status;
    }),
  );

  assert.deepEqual(new Set(answers), new Set([415]));
  assert.equal(origin.received.length, 0);
});
