/** An authorizer of the user's own: what it is told, what it decides, and what becomes of its failures. */
import assert from "node:assert/strict";
import { authorized, getFrom, YES } from "../support/authorized.ts";
import { eventually } from "../support/deadline.ts";
import { startNginx } from "../support/nginx.ts";
import { skipWithout } from "../support/parts.ts";
import { faultOf, firstStatus, OK, scenario } from "../support/scenario.ts";

scenario(
  "forward: a yes passes; the authorizer is told what is asked, as it is routed",
  async (it) => {
    const { origin, authorizer, proxy } = await authorized(
      it,
      YES,
      ", path: /verify, copy: [X-Auth-User, X-Auth-Groups], name: X-Auth-User",
      ', headers: { X-Who: "{identity}" }',
    );

    const answer = await it.client(
      getFrom(
        "/a/../b%7Ec?q=1",
        "cookie: s=1",
        "x-auth-user: root",
        "x_auth_groups: root",
        "x-forwarded-uri: /public",
        "x-original-url: http://a.test/public",
        "x-forwarded-for: 6.6.6.6",
        "x-real-ip: 6.6.6.6",
        "accept-encoding: gzip",
        "if-none-match: x",
      ),
    );

    assert.equal(firstStatus(answer), 200);
    const asked = authorizer.received[0]!.head;
    assert.match(asked, /^GET \/verify HTTP\/1\.1\r\nHost: 127\.0\.0\.1:\d+\r\n/);
    for (const line of [
      "cookie: s=1",
      "X-Forwarded-Method: GET",
      "X-Forwarded-Uri: /b~c?q=1",
      "X-Forwarded-Host: a.test",
      "X-Forwarded-Proto: http",
      "X-Forwarded-For: 127.0.0.1",
      "X-Original-Method: GET",
      "X-Original-URI: /b~c?q=1",
      "X-Original-URL: http://a.test/b~c?q=1",
    ]) {
      assert.ok(asked.includes(`\r\n${line}\r\n`), `${line} in ${asked}`);
    }
    assert.ok(!/root|public|6\.6\.6\.6|gzip|if-none/i.test(asked), asked);
    const { head } = origin.received[0]!;
    assert.match(head, /^GET \/b~c\?q=1 HTTP/);
    assert.match(head, /\r\nX-Auth-User: alice\r\n/);
    assert.match(head, /\r\nX-Who: alice\r\n/);
    assert.ok(
      !head.includes("root"),
      `deleted, though the authorizer named no groups (H5): ${head}`,
    );
    assert.equal((await proxy.accessLines(1))[0]!["user"], "alice");
  },
);

scenario(
  "forward: a no goes to the client with what leads on from it, and nothing else",
  async (it) => {
    const { origin, proxy } = await authorized(it, [
      'HTTP/1.1 401 No\r\ncontent-length: 5\r\ncontent-type: text/plain\r\nwww-authenticate: Basic realm="x"\r\nx-secret: 1\r\n\r\nlogin',
      "HTTP/1.1 302 Found\r\ncontent-length: 0\r\nlocation: https://login.test/?rd=1\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n\r\n",
      "HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n",
    ]);

    const unknown = await it.client(getFrom());
    const login = await it.client(getFrom());
    const forbidden = await it.client(getFrom());

    assert.equal(firstStatus(unknown), 401);
    assert.match(unknown, /\r\nwww-authenticate: Basic realm="x"\r\n/i);
    assert.match(unknown, /login$/);
    assert.ok(!unknown.includes("x-secret"));
    assert.equal(firstStatus(login), 302);
    assert.match(login, /\r\nlocation: https:\/\/login\.test\/\?rd=1\r\n/i);
    assert.match(login, /\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n/i);
    assert.equal(firstStatus(forbidden), 403);
    assert.equal(origin.received.length, 0);
    const lines = await proxy.accessLines(3);
    assert.deepEqual(
      lines.map(({ fault }) => fault),
      ["auth_failed", "auth_required", "auth_forbidden"],
    );
  },
);

const CLOSED: [name: string, answer: string, options?: string][] = [
  ["an error", "HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n"],
  ["a page that is not there", "HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n"],
  ["a redirect without a place", "HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n"],
  ["not modified", "HTTP/1.1 304 Not Modified\r\nlocation: /\r\n\r\n"],
  ["garbage", "<at head>hello\r\n\r\n"],
  ["silence", "<at head><stall>", ", timeout: 300ms"],
  ["a head that trickles", "<at head>HTTP/1.1 200 OK\r\n<stall>", ", timeout: 300ms"],
  [
    "a yes whose body stalls",
    "<at head>HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx<stall>",
    ", timeout: 300ms",
  ],
  ["a yes that is cut", "<at head>HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx<hang up>"],
  ["a yes that hangs up at once", "<at head><hang up>"],
  [
    "a yes that is too long",
    `HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n${"x".repeat(2000)}`,
    ", answerBytes: 1KiB",
  ],
  ["an upgrade", "<at head>HTTP/1.1 101 Up\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n"],
];

for (const [name, answer, options] of CLOSED) {
  scenario(`forward: ${name} lets nobody pass (H5)`, async (it) => {
    const { origin, proxy } = await authorized(it, answer, options);

    const response = await it.client(getFrom());

    assert.equal(firstStatus(response), 503, response);
    assert.equal(await faultOf(proxy), "auth_unavailable");
    assert.equal(origin.received.length, 0);
  });
}

scenario("forward: an authorizer that is down lets nobody pass", async (it) => {
  const { origin, authorizer, proxy } = await authorized(it, YES);
  await authorizer.close();

  assert.equal(firstStatus(await it.client(getFrom())), 503);
  assert.equal(await faultOf(proxy), "auth_unavailable");
  assert.equal(origin.received.length, 0);
});

scenario("forward: a client that leaves ends the question", async (it) => {
  const { authorizer, proxy } = await authorized(it, "<at head><stall>");
  const client = await it.connect();
  client.send(getFrom());
  await eventually(
    () => authorizer.received[0],
    () => "the question",
  );

  client.reset();

  await eventually(
    () => authorizer.connections.every(({ ended, wasReset }) => ended || wasReset) || undefined,
    () => "the question to end",
  );
  assert.equal(await faultOf(proxy), "client_gone");
});

scenario("forward: questions share connections", async (it) => {
  const { authorizer } = await authorized(it, YES);

  for (let count = 0; count < 5; count++)
    assert.equal(firstStatus(await it.client(getFrom())), 200);

  assert.equal(authorizer.received.length, 5);
  assert.equal(authorizer.connections.length, 1);
});

scenario("forward: only what is sent is seen", async (it) => {
  const { authorizer } = await authorized(it, YES, ", send: [authorization], method: HEAD");

  await it.client(getFrom("/", "authorization: Bearer x", "cookie: secret=1"));

  const { head } = authorizer.received[0]!;
  assert.match(head, /^HEAD \/ HTTP/);
  assert.match(head, /\r\nauthorization: Bearer x\r\n/i);
  assert.ok(!head.includes("secret"));
});

scenario(
  "forward: credentials that the answer brings take the place of the client's",
  async (it) => {
    const { origin, authorizer } = await authorized(
      it,
      [
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nauthorization: Bearer inner\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
      ],
      ", copy: [Authorization]",
    );

    await it.client(getFrom("/", "authorization: Bearer outer"));
    await it.client(getFrom("/", "authorization: Bearer outer"));

    assert.match(authorizer.received[0]!.head, /\r\nauthorization: Bearer outer\r\n/i);
    assert.match(origin.received[0]!.head, /\r\nauthorization: Bearer inner\r\n/i);
    assert.ok(!/authorization/i.test(origin.received[1]!.head));
  },
);

scenario("forward: who passes is remembered by the key, a refusal never", async (it) => {
  const { authorizer } = await authorized(
    it,
    ["HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n", YES, YES, YES, YES],
    ', cache: { key: ["{header.authorization}", "{path}"], for: 1m }, copy: [X-Auth-User]',
  );
  const ask = async (path: string, ...fields: string[]) =>
    firstStatus(await it.client(getFrom(path, ...fields)));

  assert.equal(await ask("/a", "authorization: x"), 403);
  assert.equal(await ask("/a", "authorization: x"), 200);
  assert.equal(await ask("/a", "authorization: x"), 200);
  assert.equal(authorizer.received.length, 2);
  assert.equal(await ask("/b", "authorization: x"), 200);
  assert.equal(await ask("/a", "authorization: y"), 200);
  assert.equal(authorizer.received.length, 4);
});

scenario(
  "forward: cookies of a yes go to the client if that is said, and such a yes is not kept",
  async (it) => {
    const { authorizer } = await authorized(
      it,
      "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nset-cookie: s=2\r\nset-cookie: t=3\r\n\r\n",
      ', setCookies: true, cache: { key: ["{cookie.s}"], for: 1m }',
    );

    for (let count = 0; count < 2; count++) {
      const answer = await it.client(getFrom("/", "cookie: s=1"));
      assert.match(answer, /\r\nset-cookie: s=2\r\nset-cookie: t=3\r\n/i);
    }
    assert.equal(authorizer.received.length, 2);
  },
);

scenario("forward: any of it and another: its no is not the last word", async (it) => {
  const origin = await it.origin(OK);
  const authorizer = await it.origin(
    "HTTP/1.1 302 Found\r\ncontent-length: 0\r\nlocation: /login\r\nset-cookie: a=1\r\n\r\n",
  );
  const key = "correct-horse-battery-staple";
  await it.proxy(`
    upstreams: { app: "${origin.url}", authz: "${authorizer.url}" }
    sites:
      - hosts: ["*"]
        routes:
          - forward: app
            auth: { any: [{ forward: { to: authz } }, { apiKey: { keys: [{ name: a, key: ${key} }] } }] }`);

  const withKey = await it.client(getFrom("/", `x-api-key: ${key}`));
  const without = await it.client(getFrom());

  assert.equal(firstStatus(withKey), 200);
  assert.ok(!/set-cookie/i.test(withKey));
  assert.equal(firstStatus(without), 302);
});

scenario(
  "forward: nginx as the authorizer, as its users write it",
  async (it) => {
    const origin = await it.origin(OK);
    const nginx = await startNginx(`
      location = /verify {
        if ($http_x_original_uri ~ "^/public") { return 204; }
        if ($http_authorization != "Bearer good") { return 401; }
        add_header X-Auth-User alice always;
        return 204;
      }`);
    it.defer(() => nginx[Symbol.asyncDispose]());
    await it.proxy(`
      upstreams: { app: "${origin.url}", authz: "${nginx.url}" }
      sites:
        - hosts: ["*"]
          routes: [{ forward: app, auth: { forward: { to: authz, path: /verify, copy: [X-Auth-User] } } }]`);

    assert.equal(firstStatus(await it.client(getFrom("/private"))), 401);
    assert.equal(firstStatus(await it.client(getFrom("/public/x"))), 200);
    assert.equal(
      firstStatus(await it.client(getFrom("/public/../private"))),
      401,
      "as it is routed (P1)",
    );
    assert.equal(
      firstStatus(await it.client(getFrom("/private", "authorization: Bearer good"))),
      200,
    );
    assert.match(origin.received[1]!.head, /\r\nX-Auth-User: alice\r\n/);
  },
  { skip: skipWithout("nginx") },
);

scenario("forward: an authorizer by its URL is an upstream of its own", async (it) => {
  const origin = await it.origin(OK);
  const authorizer = await it.origin(YES);
  const url = `${authorizer.url}/api/verify?mode=x`;
  const routes = `[{ forward: app, auth: { any: [{ forward: { to: "${url}" } }] } }]`;
  const proxy = await it.proxyHere(
    `{ upstreams: { app: "${origin.url}" }, sites: [{ hosts: ["*"], routes: ${routes} }] }`,
  );

  assert.equal(firstStatus(await it.client(getFrom("/a"))), 200);
  assert.equal(firstStatus(await it.client(getFrom("/b"))), 200);

  assert.match(authorizer.received[0]!.head, /^GET \/api\/verify\?mode=x HTTP/);
  assert.equal(authorizer.connections.length, 1);
  await proxy.stop();
});
