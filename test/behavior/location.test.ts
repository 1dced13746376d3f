/** What upstreams say of their own places, as clients get it. */
import assert from "node:assert/strict";
import { fieldValue, fieldValues } from "../support/message.ts";
import { scenario } from "../support/scenario.ts";

scenario(
  "location: an application below another prefix and host is found by clients",
  async (it) => {
    const origin = await it.origin(
      "HTTP/1.1 302 Found\r\nlocation: http://inner.test/v2/login?next=/v2/x\r\nset-cookie: a=b; Domain=inner.test; Path=/v2\r\n" +
        "set-cookie: c=d; Path=/\r\nlink: </v2/a.css>; rel=preload\r\ncontent-length: 0\r\n\r\n",
    );
    await it.proxy(`
    upstreams: { app: "${origin.url}" }
    sites:
      - hosts: [shop.test]
        routes:
          - match: { path: /api/* }
            rewrite: { stripPrefix: /api, addPrefix: /v2 }
            headers: { request: { set: { host: inner.test } } }
            location: { auto: true, cookies: { httpOnly: true, sameSite: lax } }
            forward: app
  `);
    const client = await it.connect();

    client.send("GET /api/x HTTP/1.1\r\nhost: shop.test\r\n\r\n");
    const { status, fields } = await client.readResponse();

    assert.equal(status, 302);
    assert.match(origin.received[0]!.head, /^GET \/v2\/x HTTP\/1\.1\r\nHost: inner\.test\r\n/);
    assert.equal(fieldValue(fields, "location"), "http://shop.test/api/login?next=/v2/x");
    assert.deepEqual(fieldValues(fields, "set-cookie"), [
      "a=b; Path=/api; HttpOnly; SameSite=Lax",
      "c=d; Path=/; HttpOnly; SameSite=Lax",
    ]);
    assert.equal(fieldValue(fields, "link"), "</api/a.css>; rel=preload");
  },
);

scenario(
  "location: redirects of the proxy itself stay as they are, and so does the cache's",
  async (it) => {
    const origin = await it.origin(
      "HTTP/1.1 301 Moved\r\nlocation: /new\r\ncache-control: max-age=60\r\ncontent-length: 0\r\n\r\n",
    );
    await it.proxy(`
    upstreams: { app: "${origin.url}" }
    sites:
      - hosts: ["*"]
        location: auto
        rewrite: { stripPrefix: /api }
        routes:
          - { match: { path: /api/own }, redirect: /elsewhere }
          - { forward: app, cache: on }
  `);
    const client = await it.connect();
    const get = async (path: string) => {
      client.send(`GET ${path} HTTP/1.1\r\nhost: a.test\r\n\r\n`);
      return fieldValue((await client.readResponse()).fields, "location");
    };

    assert.equal(await get("/api/own"), "/elsewhere");
    assert.equal(await get("/api/old"), "/api/new");
    assert.equal(await get("/api/old"), "/api/new");
    assert.equal(origin.received.length, 1);
  },
);

scenario("rewrite: the method, and the query by parameter", async (it) => {
  const origin = await it.origin("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  const proxy = await it.proxy(`
    upstreams: { app: "${origin.url}" }
    sites:
      - hosts: ["*"]
        rewrite:
          replace: [{ find: "~^/v1/(.*)$", with: "/v2/{match.1}" }]
          query: { remove: ["utm_*"], set: { by: "{method}" } }
          method: DELETE
        routes: [{ forward: app }]
  `);
  const client = await it.connect();

  client.send(
    "POST /v1/a%2Fb?utm_x=1&q=%20 HTTP/1.1\r\nhost: a.test\r\ncontent-length: 2\r\n\r\nhi" +
      "HEAD /v1/x HTTP/1.1\r\nhost: a.test\r\n\r\n",
  );
  assert.equal((await client.readResponse("POST")).body, "ok");
  assert.equal((await client.readResponse("HEAD")).status, 200);

  const [first, second] = origin.received.map(({ head }) => head.split("\r\n")[0]);
  assert.equal(first, "DELETE /v2/a%2Fb?q=%20&by=POST HTTP/1.1");
  assert.equal(second, "HEAD /v2/x?by=HEAD HTTP/1.1");
  const [line] = await proxy.accessLines(1);
  assert.equal(line!["method"], "POST");
  assert.equal(line!["path"], "/v1/a%2Fb");
});
