/** Header edits over sockets: what endpoints get, and what clients get of whom. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:http2";
import { within } from "../support/deadline.ts";
import { Http2Origin } from "../support/http2-origin.ts";
import { fieldValue } from "../support/message.ts";
import { OK, scenario } from "../support/scenario.ts";

const sent = (head: string) => head.toLowerCase().split("\r\n");

scenario("headers: an endpoint gets the edited request, the log the one that came", async (it) => {
  const origin = await it.origin(OK);
  const proxy = await it.proxy(`
    upstreams: { app: "${origin.url}" }
    sites:
      - hosts: ["*"]
        routes:
          - forward: app
            headers:
              request:
                set: { host: inner.test, x-user: "{query.u}", x-real-ip: "{clientIp}", user-agent: sluice }
                add: { x-add: [one, two] }
                remove: [x-internal-*, cookie]
                replace: [{ name: x-path, find: "~^/old/(.*)$", with: "/new/{match.1}" }]
  `);

  const request =
    "GET /?u=me%0D%0Ax-evil:1 HTTP/1.1\r\nhost: a.test\r\nuser-agent: curl\r\nX-User: forged\r\n" +
    "x_user: forged\r\nX-Internal-Role: admin\r\nX_Internal_Role: admin\r\ncookie: a=b\r\n" +
    "x-real-ip: 203.0.113.9\r\nx-path: /old/a\r\n\r\n";
  const client = await it.connect();
  // Three times: the first is read, the second is remembered, the third is known again.
  for (let time = 0; time < 3; time++) {
    client.send(request);
    assert.equal((await client.readResponse()).status, 200);
  }

  for (const { head } of origin.received) {
    const lines = sent(head).filter((line) => !/^(x-forwarded|via|x-request-id|get |$)/.test(line));
    assert.deepEqual(lines.toSorted(), [
      "host: inner.test",
      "user-agent: sluice",
      "x-add: one",
      "x-add: two",
      "x-path: /new/a",
      "x-real-ip: 127.0.0.1",
      "x-user: mex-evil:1",
    ]);
    assert.match(head.toLowerCase(), /\r\nx-forwarded-host: a\.test\r\n/);
  }
  assert.equal(origin.received.length, 3);
  for (const line of await proxy.accessLines(3)) {
    assert.equal(line["user_agent"], "curl");
    assert.equal(line["host"], "a.test");
  }
});

scenario("headers: {endpoint} as Host is the endpoint's own address", async (it) => {
  const origin = await it.origin(OK);
  await it.proxy(`
    upstreams: { app: "${origin.url}" }
    sites: [{ hosts: ["*"], routes: [{ forward: app, headers: { request: { set: { host: "{endpoint}" } } } }] }]
  `);

  await it.client("GET / HTTP/1.1\r\nhost: a.test\r\n\r\n");

  assert.ok(sent(origin.received[0]!.head).includes(`host: ${new URL(origin.url).host}`));
});

scenario(
  "headers: responses of endpoints, of the proxy and of its cache are edited alike",
  async (it) => {
    const origin = await it.origin(
      "HTTP/1.1 200 OK\r\nserver: apache\r\nx-powered-by: php\r\ncache-control: max-age=60\r\ncontent-length: 2\r\n\r\nok",
    );
    await it.proxy(`
    upstreams: { app: "${origin.url}", none: "127.0.0.1:1" }
    sites:
      - hosts: ["*"]
        headers:
          response:
            - { remove: [server, x-powered-by], set: { x-all: "{path}" } }
            - { set: { x-error: "yes" }, add: { x-all: more }, when: { status: [4xx, 5xx] } }
        routes:
          - { match: { path: /cached }, forward: app, cache: on }
          - { match: { path: /away }, forward: none }
          - { match: { path: /moved }, redirect: /cached }
  `);
    const client = await it.connect();
    const get = async (path: string) => {
      client.send(`GET ${path} HTTP/1.1\r\nhost: a.test\r\n\r\n`);
      const { status, fields } = await client.readResponse();
      const [server, powered, error] = ["server", "x-powered-by", "x-error"].map((name) =>
        fieldValue(fields, name),
      );
      const all = fields
        .filter(([name]) => name.toLowerCase() === "x-all")
        .map(([, value]) => value);
      return { status, server, powered, error, all };
    };
    const bare = { server: undefined, powered: undefined, error: undefined };

    assert.deepEqual(await get("/cached"), { status: 200, ...bare, all: ["/cached"] });
    assert.deepEqual(
      await get("/cached"),
      { status: 200, ...bare, all: ["/cached"] },
      "once, from the cache",
    );
    assert.equal(origin.received.length, 1);
    assert.deepEqual(await get("/moved"), { status: 308, ...bare, all: ["/moved"] });
    assert.deepEqual(await get("/away"), {
      status: 502,
      ...bare,
      error: "yes",
      all: ["/away", "more"],
    });
  },
);

scenario("headers: a Host that a client could make is held to be one (H1)", async (it) => {
  const origin = await it.origin(OK);
  await it.proxy(`
    upstreams: { app: "${origin.url}" }
    sites: [{ hosts: ["*"], routes: [{ forward: app, headers: { request: { set: { host: "{query.tenant}" } } } }] }]
  `);

  const answer = await it.client(
    "GET /?tenant=a.test%2F..%40evil HTTP/1.1\r\nhost: a.test\r\n\r\n",
  );

  assert.match(answer, /^HTTP\/1\.1 400 /);
  assert.equal(origin.received.length, 0);
});

scenario("headers: over HTTP/2 on both sides, host and method with them", async (it) => {
  const origin = await Http2Origin.open((stream) => {
    stream.respond({ ":status": 200, server: "node", "x-old": "a-b" });
    stream.end("ok");
  });
  it.defer(() => origin.close());
  const { port } = await it.proxy(`
    listeners: { "*": { protocols: [h1, h2c] } }
    upstreams: { app: "h2c://127.0.0.1:${origin.port}" }
    sites:
      - hosts: ["*"]
        routes:
          - forward: app
            rewrite: { method: PUT }
            headers:
              request: { set: { Host: inner.test, X-Real-IP: "{clientIp}", X-User: me }, remove: [cookie] }
              response:
                remove: [server]
                replace: [{ name: x-old, find: "~^(.)-(.)$", with: "{match.2}-{match.1}" }]
                set: { X-New: "{path}" }
  `);
  const client = connect(`http://127.0.0.1:${port}`);
  client.on("error", () => {});
  it.defer(() => client.destroy());

  const stream = client.request({
    ...{ ":method": "POST", ":path": "/x", ":authority": "a.test", cookie: "a=b" },
    ...{ "x-user": "forged", "x-real-ip": "203.0.113.9" },
  });
  stream.end();
  const [head] = await within(once(stream, "response"), () => "a response");
  stream.resume();

  const [request] = origin.requests;
  const { headers } = request!;
  assert.equal(headers[":authority"], "inner.test");
  assert.equal(headers[":method"], "PUT");
  assert.equal(headers["x-user"], "me");
  assert.equal(headers["x-real-ip"], "127.0.0.1");
  assert.equal(headers["cookie"], undefined);
  assert.equal(headers["x-forwarded-host"], "a.test");
  assert.equal(head["server"], undefined);
  assert.equal(head["x-old"], "b-a");
  assert.equal(head["x-new"], "/x");
});
