/** Tokens over real sockets: an issuer that publishes its keys, rotates them, and goes down. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Authority } from "../support/authority.ts";
import { skipWithout } from "../support/parts.ts";
import { firstStatus, forwardTo, OK, type Scenario, scenario } from "../support/scenario.ts";
import { issuerOf } from "../support/tokens.ts";
import { openWebServer, sendJson } from "../support/web-server.ts";

const NOW_S = Math.floor(Date.now() / 1000);
const first = await issuerOf("ES256", "k1", NOW_S);
const second = await issuerOf("RS256", "k2", NOW_S);

async function issuer(it: Scenario) {
  const published = { keys: [first.jwk] };
  const server = await openWebServer((_request, response) => sendJson(response, published));
  it.defer(() => server.close());
  return { server, published };
}

/** `options`: more of `jwt`. */
function config(origin: string, url: string, options = "", auth = ""): string {
  const jwt = `jwks: { url: "${url}/jwks.json", cooldown: 1ms ${options} }, issuer: "https://idp.test", audience: shop`;
  return forwardTo(origin, { route: `auth: { jwt: { ${jwt} } ${auth} }` });
}

function get(path: string, ...fields: string[]): string {
  return [`GET ${path} HTTP/1.1`, "host: a.test", ...fields, "", ""].join("\r\n");
}

const bearer = (token: string) => get("/", `authorization: Bearer ${token}`);

scenario(
  "jwt: a good token passes, its claims go upstream, the log has its subject",
  async (it) => {
    const origin = await it.origin(OK);
    const { server } = await issuer(it);
    const headers = ', headers: { X-User: "{jwt.sub}", X-Roles: "{jwt.realm.roles}" }';
    const proxy = await it.proxy(config(origin.url, server.url, "", headers));
    const token = await first.sign({ realm: { roles: ["admin", "a\r\nX-Evil: 1"] } });

    const answers = [];
    for (let count = 0; count < 3; count++) {
      answers.push(
        await it.client(
          get("/", `authorization: bearer ${token}`, "x-user: root", "x_roles: root"),
        ),
      );
    }

    assert.deepEqual(answers.map(firstStatus), [200, 200, 200]);
    for (const { head } of origin.received) {
      assert.match(head, /\r\nX-User: alice\r\nX-Roles: admin,aX-Evil: 1\r\n/);
      assert.ok(!head.includes("root"), head);
    }
    assert.match(answers[0]!, /\r\ncache-control: private\r\n/i);
    assert.deepEqual(server.asked, ["/jwks.json"], "once, and when the first token came");
    const [line] = await proxy.accessLines(3);
    assert.equal(line!["user"], "alice");
    assert.ok(!JSON.stringify(line).includes(token));
  },
);

scenario("jwt: what is refused says so as RFC 6750 has it, and not why", async (it) => {
  const origin = await it.origin(OK);
  const { server } = await issuer(it);
  const proxy = await it.proxy(config(origin.url, server.url));
  const forged = await second.sign({}, { kid: "k1" });
  const other = await issuerOf("ES256", "k1", NOW_S);
  const rows: [string, RegExp, string][] = [
    [get("/"), /\r\nwww-authenticate: Bearer realm="api"\r\n/i, "auth_required"],
    [
      get("/", "authorization: Basic YTpi"),
      /\r\nwww-authenticate: Bearer realm="api"\r\n/i,
      "auth_required",
    ],
    [bearer("x"), /error="invalid_token"\r\n/, "auth_failed"],
    [bearer(await first.sign({ exp: NOW_S - 60 })), /error="invalid_token"\r\n/, "auth_failed"],
    [bearer(await first.sign({ aud: "blog" })), /error="invalid_token"\r\n/, "auth_failed"],
    [
      bearer(await first.sign({ iss: "https://evil.test" })),
      /error="invalid_token"\r\n/,
      "auth_failed",
    ],
    [bearer(forged), /error="invalid_token"\r\n/, "auth_failed"],
    [bearer(await other.sign()), /error="invalid_token"\r\n/, "auth_failed"],
    [
      get(
        "/",
        `authorization: Bearer ${await first.sign()}`,
        `authorization: Bearer ${await other.sign()}`,
      ),
      /error="invalid_token"\r\n/,
      "auth_failed",
    ],
    [bearer("A".repeat(9_000)), /error="invalid_token"\r\n/, "auth_failed"],
  ];

  for (const [request, challenge] of rows) {
    const answer = await it.client(request);
    assert.equal(firstStatus(answer), 401, answer);
    assert.match(answer, challenge);
    assert.ok(!/expired|signature|another/.test(answer), answer);
  }

  const lines = await proxy.accessLines(rows.length);
  assert.deepEqual(
    lines.map(({ fault }) => fault),
    rows.map(([, , code]) => code),
  );
  assert.equal(origin.received.length, 0);
});

scenario(
  "jwt: who lacks a scope or a claim gets 403, with the scope that is needed",
  async (it) => {
    const origin = await it.origin(OK);
    const { server } = await issuer(it);
    const jwt = `jwks: "${server.url}/jwks.json", issuer: any, audience: shop, require: { scope: [read, write], claims: { role: [admin, owner] } }`;
    await it.proxy(forwardTo(origin.url, { route: `auth: { jwt: { ${jwt} } }` }));
    const allowed = { scope: "read write", role: ["x", "owner"] };

    const passed = await it.client(bearer(await first.sign(allowed)));
    const noScope = await it.client(bearer(await first.sign({ ...allowed, scope: "read" })));
    const noRole = await it.client(bearer(await first.sign({ ...allowed, role: "user" })));

    assert.equal(firstStatus(passed), 200);
    assert.equal(firstStatus(noScope), 403);
    assert.match(
      noScope,
      /\r\nwww-authenticate: Bearer .*error="insufficient_scope", scope="read write"\r\n/i,
    );
    assert.equal(firstStatus(noRole), 403);
  },
);

scenario("jwt: keys are rotated while requests come", async (it) => {
  const origin = await it.origin(OK);
  const { server, published } = await issuer(it);
  await it.proxy(config(origin.url, server.url));
  const old = await first.sign();

  assert.equal(firstStatus(await it.client(bearer(old))), 200);
  published.keys = [first.jwk, second.jwk];
  assert.equal(firstStatus(await it.client(bearer(await second.sign()))), 200);
  published.keys = [second.jwk];
  assert.equal(firstStatus(await it.client(bearer(await first.sign({}, { kid: "k3" })))), 401);
  assert.equal(firstStatus(await it.client(bearer(old))), 401, "its key has gone");
});

scenario("jwt: an issuer that is down at the start: 503, and nobody passes", async (it) => {
  const origin = await it.origin(OK);
  const { server } = await issuer(it);
  const { url } = server;
  await server.close();
  const proxy = await it.proxy(config(origin.url, url));

  const answer = await it.client(bearer(await first.sign()));

  assert.equal(firstStatus(answer), 503);
  assert.equal((await proxy.accessLines(1))[0]!["fault"], "auth_unavailable");
  assert.equal(origin.received.length, 0);
});

scenario("jwt: an issuer that goes down: its keys serve on, unless stale is 0", async (it) => {
  const origin = await it.origin(OK);
  const { server } = await issuer(it);
  const proxy = await it.proxy(config(origin.url, server.url, ", refresh: 1ms"));
  assert.equal(firstStatus(await it.client(bearer(await first.sign()))), 200);
  server.answer = (_request, response) => response.writeHead(302, { location: "/evil" }).end();
  assert.equal(firstStatus(await it.client(bearer(await first.sign({ jti: "2" })))), 200);
  await proxy.stop();

  const strict = await it.proxy(config(origin.url, server.url, ", refresh: 1ms, stale: 0s"));
  assert.equal(firstStatus(await it.client(bearer(await first.sign({ jti: "3" })))), 503);
  assert.ok(!server.asked.includes("/evil"), "a redirect is not followed (P3)");
  await strict.stop();
});

scenario("jwt: in a cookie, or in a query that never goes on", async (it) => {
  const origin = await it.origin(OK);
  const { server } = await issuer(it);
  const jwt = `jwks: "${server.url}/jwks.json", issuer: any, audience: any, cookie: t, query: access_token, passOn: false`;
  const proxy = await it.proxy(forwardTo(origin.url, { route: `auth: { jwt: { ${jwt} } }` }));
  const token = await first.sign();

  const byCookie = await it.client(get("/", `cookie: a=1; t=${token}; b=2`));
  const byQuery = await it.client(get(`/?a=1&access_token=${token}`));
  const byHeader = await it.client(bearer(token));

  assert.deepEqual([byCookie, byQuery, byHeader].map(firstStatus), [200, 200, 401]);
  assert.match(origin.received[0]!.head, /\r\ncookie: a=1; b=2\r\n/i);
  assert.match(origin.received[1]!.head, /^GET \/\?a=1 HTTP/);
  assert.ok(!JSON.stringify(await proxy.accessLines(3)).includes(token));
});

scenario(
  "jwt: keys in a file that cannot be read: the route is closed, and the others are not",
  async (it) => {
    const origin = await it.origin(OK);
    const folder = await mkdtemp(join(tmpdir(), "sluice-jwt-"));
    it.defer(() => rm(folder, { recursive: true }));
    const file = join(folder, "keys.json");
    const jwt = (name: string) => `{ keysFile: ${name}, issuer: any, audience: any }`;
    const routes = `[
    { match: { path: /a }, forward: app, auth: { jwt: ${jwt(join(folder, "none.json"))} } },
    { match: { path: /b }, forward: app, auth: { jwt: ${jwt(file)} } } ]`;
    await writeFile(file, JSON.stringify({ keys: [first.jwk] }));
    const proxy = await it.proxy(
      `{ upstreams: { app: "${origin.url}" }, sites: [{ hosts: ["*"], routes: ${routes} }] }`,
    );
    const token = `authorization: Bearer ${await first.sign()}`;

    const closed = await it.client(get("/a", token));
    const open = await it.client(get("/b", token));

    assert.equal(firstStatus(closed), 503);
    assert.equal(firstStatus(open), 200);
    assert.equal((await proxy.accessLines(2))[0]!["fault"], "security_unbuilt");
  },
);

scenario(
  "jwt: an issuer that nobody vouches for is not asked, and one of the own authority is",
  async (it) => {
    const origin = await it.origin(OK);
    const authority = await Authority.create();
    it.defer(() => authority.remove());
    const { cert, key } = await authority.issue("IP:127.0.0.1");
    const sent = { keys: [first.jwk] };
    const server = await openWebServer((_request, response) => sendJson(response, sent), {
      cert,
      key,
    });
    it.defer(() => server.close());
    const jwt = (ca: string) =>
      `{ jwks: { url: "${server.url}/keys" ${ca} }, issuer: any, audience: any }`;
    const routes = `[
      { match: { path: /a }, forward: app, auth: { jwt: ${jwt("")} } },
      { match: { path: /b }, forward: app, auth: { jwt: ${jwt(`, ca: ${authority.caFile}`)} } } ]`;
    await it.proxy(
      `{ upstreams: { app: "${origin.url}" }, sites: [{ hosts: ["*"], routes: ${routes} }] }`,
    );
    const token = `authorization: Bearer ${await first.sign()}`;

    const unknown = await it.client(get("/a", token));
    const vouched = await it.client(get("/b", token));

    assert.equal(firstStatus(unknown), 503);
    assert.equal(firstStatus(vouched), 200);
    assert.equal(server.asked.length, 1);
  },
  { skip: skipWithout("openssl") },
);
