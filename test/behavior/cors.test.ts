/** CORS and the headers for browsers, over sockets. */
import assert from "node:assert/strict";
import { fieldValue, fieldValues } from "../support/message.ts";
import { faultOf, OK, scenario } from "../support/scenario.ts";

const PREFLIGHT =
  "OPTIONS /api HTTP/1.1\r\nhost: a.test\r\norigin: https://app.test\r\n" +
  "access-control-request-method: PUT\r\naccess-control-request-headers: x-a\r\n\r\n";

scenario(
  "cors: preflights do not reach the upstream, calls do, failures can be read",
  async (it) => {
    const origin = await it.origin(
      "HTTP/1.1 200 OK\r\naccess-control-allow-origin: *\r\ncontent-length: 2\r\n\r\nok",
    );
    await it.proxy(`
    upstreams: { app: "${origin.url}", none: "127.0.0.1:1" }
    sites:
      - hosts: ["*"]
        cors: { origins: ["https://app.test"], methods: [GET, PUT], credentials: true }
        securityHeaders: strict
        routes:
          - { match: { path: /away }, forward: none }
          - { forward: app }
  `);
    const client = await it.connect();
    const ask = async (request: string) => {
      client.send(request);
      return await client.readResponse(request.split(" ")[0]);
    };

    const preflight = await ask(PREFLIGHT);
    assert.equal(preflight.status, 204);
    assert.equal(fieldValue(preflight.fields, "access-control-allow-origin"), "https://app.test");
    assert.equal(fieldValue(preflight.fields, "access-control-allow-headers"), "x-a");
    assert.equal(origin.received.length, 0);

    const call = await ask("GET /api HTTP/1.1\r\nhost: a.test\r\norigin: https://app.test\r\n\r\n");
    assert.equal(call.status, 200);
    assert.deepEqual(fieldValues(call.fields, "access-control-allow-origin"), ["https://app.test"]);
    assert.equal(fieldValue(call.fields, "access-control-allow-credentials"), "true");
    assert.equal(fieldValue(call.fields, "x-frame-options"), "DENY");

    const other = await ask(
      "GET /api HTTP/1.1\r\nhost: a.test\r\norigin: https://evil.test\r\n\r\n",
    );
    assert.deepEqual(fieldValues(other.fields, "access-control-allow-origin"), []);
    assert.equal(fieldValue(other.fields, "vary"), "Origin");

    const failed = await ask(
      "GET /away HTTP/1.1\r\nhost: a.test\r\norigin: https://app.test\r\n\r\n",
    );
    assert.equal(failed.status, 502);
    assert.equal(fieldValue(failed.fields, "access-control-allow-origin"), "https://app.test");
    assert.equal(fieldValue(failed.fields, "x-content-type-options"), "nosniff");
  },
);

scenario(
  "cors: a stranger's preflight is refused, with a code and nothing to go by",
  async (it) => {
    const origin = await it.origin(OK);
    const proxy = await it.proxy(`
    upstreams: { app: "${origin.url}" }
    sites: [{ hosts: ["*"], routes: [{ forward: app, cors: "https://other.test" }] }]
  `);

    const answer = await it.client(PREFLIGHT);

    assert.match(answer, /^HTTP\/1\.1 403 /);
    assert.doesNotMatch(answer, /access-control-allow|app\.test/i);
    assert.equal(await faultOf(proxy), "cors_refused");
    assert.equal(origin.received.length, 0);
  },
);

scenario("cors: what a cache has stored is told anew to each origin", async (it) => {
  const origin = await it.origin(
    "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 2\r\n\r\nok",
  );
  await it.proxy(`
    upstreams: { app: "${origin.url}" }
    sites: [{ hosts: ["*"], routes: [{ forward: app, cache: on, cors: { origins: ["https://*.test"] } }] }]
  `);
  const client = await it.connect();

  for (const from of ["https://a.test", "https://b.test", "https://c.invalid"]) {
    client.send(`GET / HTTP/1.1\r\nhost: a.test\r\norigin: ${from}\r\n\r\n`);
    const { fields } = await client.readResponse();
    const want = from.endsWith(".test") ? [from] : [];
    assert.deepEqual(fieldValues(fields, "access-control-allow-origin"), want);
  }
  assert.equal(origin.received.length, 1);
});
