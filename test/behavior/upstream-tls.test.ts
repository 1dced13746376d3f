/** TLS towards endpoints, over real sockets, with certificates that openssl has made. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { after } from "node:test";
import { TLSSocket, type TlsOptions } from "node:tls";
import { Authority } from "../support/authority.ts";
import { eventually } from "../support/deadline.ts";
import { RawServer } from "../support/raw-server.ts";
import { faultOf, forwardTo, GET, OK, type Scenario, scenario } from "../support/scenario.ts";
import { type SecureAnswer, SecureOrigin } from "../support/secure-origin.ts";

const authority = await Authority.create();
const leaf = await authority.issue("DNS:app.test,DNS:localhost,IP:127.0.0.1");
after(() => authority.remove());

const TRUSTED = { upstream: `tls: { ca: ${authority.caFile} }` };
const NAMED = { upstream: `tls: { ca: ${authority.caFile}, serverName: app.test }` };

function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1]);
}

async function secure(it: Scenario, options: TlsOptions = {}, answer?: SecureAnswer) {
  const origin = await SecureOrigin.open({ cert: leaf.cert, key: leaf.key, ...options }, answer);
  it.defer(() => origin.close());
  return origin;
}

scenario(
  "upstream tls: an https endpoint is verified, asked by its name and spoken to",
  async (it) => {
    const origin = await secure(it);
    await it.proxy(forwardTo(`https://localhost:${origin.port}`, TRUSTED));

    const answer = await it.client(GET);

    assert.equal(statusOf(answer), 200);
    const [connection] = origin.connections;
    assert.equal(connection?.serverName, "localhost");
    assert.equal(connection?.alpn, "http/1.1");
  },
);

scenario(
  "upstream tls: an IP address is verified, and nobody is asked for it by name",
  async (it) => {
    const origin = await secure(it);
    await it.proxy(forwardTo(origin.url, TRUSTED));

    const answer = await it.client(GET);

    assert.equal(statusOf(answer), 200);
    assert.equal(origin.connections[0]?.serverName, "");
  },
);

scenario(
  "upstream tls: serverName is what is asked for and what the certificate must have",
  async (it) => {
    const origin = await secure(it);
    await it.proxy(forwardTo(origin.url, NAMED));

    const answer = await it.client(GET);

    assert.equal(statusOf(answer), 200);
    assert.equal(origin.connections[0]?.serverName, "app.test");
  },
);

// biome-ignore format: a table
const UNTRUSTED: readonly (readonly [name: string, tls: string])[] = [
  ["from an authority that nobody trusts",  "tls: { serverName: app.test }"],
  ["for another name",                      `tls: { ca: ${authority.caFile}, serverName: other.test }`],
];

for (const [name, upstream] of UNTRUSTED) {
  scenario(`upstream tls: a certificate ${name} is refused`, async (it) => {
    const origin = await secure(it);
    const proxy = await it.proxy(forwardTo(origin.url, { upstream }));

    const answer = await it.client(GET);

    assert.equal(statusOf(answer), 502);
    assert.equal(await faultOf(proxy), "upstream_tls_untrusted");
    assert.equal(
      origin.connections.reduce((sum, { requests }) => sum + requests, 0),
      0,
    );
  });
}

scenario("upstream tls: an expired certificate is refused", async (it) => {
  const expired = await authority.issue("DNS:app.test", -1).catch(() => undefined);
  if (expired === undefined) return; // this openssl makes none
  const origin = await secure(it, { cert: expired.cert, key: expired.key });
  const proxy = await it.proxy(forwardTo(origin.url, NAMED));

  assert.equal(statusOf(await it.client(GET)), 502);
  assert.equal(await faultOf(proxy), "upstream_tls_untrusted");
});

scenario("upstream tls: without verification anyone may be the endpoint", async (it) => {
  const origin = await secure(it);
  await it.proxy(forwardTo(origin.url, { upstream: "tls: { verify: false }" }));

  assert.equal(statusOf(await it.client(GET)), 200);
});

scenario("upstream tls: what is no TLS, or not new enough, is a failed handshake", async (it) => {
  const plain = await RawServer.open(({ socket }) =>
    socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"),
  );
  it.defer(() => plain.close());
  const old = await secure(it, { maxVersion: "TLSv1.2" });
  const first = await it.proxy(forwardTo(`https://${plain.address}`, TRUSTED));
  const answer = await it.client(GET);
  const upstream = `tls: { ca: ${authority.caFile}, minVersion: "1.3" }`;
  const other = await it.proxy(forwardTo(old.url, { upstream }));
  const otherAnswer = await it.client(GET);

  assert.deepEqual([statusOf(answer), statusOf(otherAnswer)], [502, 502]);
  assert.equal(await faultOf(first), "upstream_tls_failed");
  assert.equal(await faultOf(other), "upstream_tls_failed");
});

scenario(
  "upstream tls: a failed handshake goes on to another endpoint, whatever the method",
  async (it) => {
    const bad = await RawServer.open(({ socket }) => socket.destroy());
    it.defer(() => bad.close());
    const origin = await secure(it);
    const urls = [`https://${bad.address}`, origin.url];
    await it.proxy(forwardTo(urls, { ...TRUSTED, route: "retry: { attempts: 2 }" }));

    const answer = await it.client("POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 0\r\n\r\n");

    assert.equal(statusOf(answer), 200);
    assert.equal(origin.connections.length, 1);
  },
);

scenario("upstream tls: a handshake that stalls is given up", async (it) => {
  const silent = await RawServer.open();
  it.defer(() => silent.close());
  const upstream = `tls: { ca: ${authority.caFile} }, timeouts: { connectTls: 200ms }`;
  const proxy = await it.proxy(forwardTo(`https://${silent.address}`, { upstream }));

  assert.equal(statusOf(await it.client(GET)), 504);
  assert.equal(await faultOf(proxy), "upstream_tls_timeout");
});

scenario("upstream tls: our certificate is shown to who asks for it", async (it) => {
  const own = await authority.issue("DNS:proxy.test");
  const authorities = await readFile(authority.caFile);
  const origin = await secure(it, { requestCert: true, rejectUnauthorized: true, ca: authorities });
  const tls = `tls: { ca: ${authority.caFile}, cert: ${own.certFile}, key: ${own.keyFile} }`;
  await it.proxy(forwardTo(origin.url, { upstream: tls }));
  const answer = await it.client(GET);
  const without = await it.proxy(forwardTo(origin.url, TRUSTED));
  const refused = await it.client(GET);

  assert.equal(statusOf(answer), 200);
  assert.equal(origin.connections[0]?.clientName, "leaf");
  assert.equal(statusOf(refused), 502);
  assert.match(await faultOf(without), /^(?:upstream_tls_failed|reset_before_head)$/);
});

scenario("upstream tls: connections are kept, and sessions resumed on new ones", async (it) => {
  const closing = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
  const origin = await secure(it, {}, (_, path) => (path === "/last" ? closing : OK));
  await it.proxy(forwardTo(origin.url, TRUSTED));
  const client = await it.connect();
  const ask = async (path: string) => {
    client.send(`GET ${path} HTTP/1.1\r\nhost: a.test\r\n\r\n`);
    await client.readResponse("GET");
  };

  await ask("/");
  await ask("/last");
  await ask("/");

  const seen = origin.connections.map(({ requests, isResumed }) => [requests, isResumed]);
  assert.deepEqual(seen, [
    [2, false],
    [1, true],
  ]);
});

scenario("upstream tls: two identities share no connection", async (it) => {
  const origin = await secure(it);
  const tls = (name: string) => `tls: { ca: ${authority.caFile}, serverName: ${name} }`;
  await it.proxy(`
    upstreams:
      one: { endpoints: [${origin.url}], ${tls("app.test")} }
      two: { endpoints: [${origin.url}], ${tls("localhost")} }
    sites:
      - hosts: ["*"]
        routes: [{ match: { path: /one }, forward: one }, { forward: two }]
  `);
  const client = await it.connect();
  for (const path of ["/one", "/two", "/one"]) {
    client.send(`GET ${path} HTTP/1.1\r\nhost: a.test\r\n\r\n`);
    await client.readResponse("GET");
  }

  const seen = origin.connections.map(({ serverName, requests }) => `${serverName} ${requests}`);
  assert.deepEqual(seen, ["app.test 2", "localhost 1"]);
});

scenario("upstream tls: a body of 5 MiB comes down whole, and one of 3 MiB goes up", async (it) => {
  const body = Buffer.alloc(5 << 20, "0123456789abcde").toString("latin1");
  const origin = await secure(it, {}, (_, path) =>
    path === "/up" ? OK : `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  await it.proxy(forwardTo(origin.url, TRUSTED));

  const down = await it.client(GET);
  const up = await it.client(
    `POST /up HTTP/1.1\r\nhost: a.test\r\ncontent-length: ${3 << 20}\r\n\r\n${body.slice(0, 3 << 20)}`,
  );

  assert.ok(down.endsWith(body));
  assert.equal(statusOf(up), 200);
});

scenario("upstream tls: a FIN in the middle of a body is a cut", async (it) => {
  const origin = await secure(it, {}, ({ socket }) => {
    setImmediate(() => socket.end());
    return "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart";
  });
  const proxy = await it.proxy(forwardTo(origin.url, TRUSTED));

  const answer = await it.client(GET);

  assert.ok(answer.endsWith("part"));
  assert.equal(await faultOf(proxy), "response_truncated");
});

for (const how of ["close_notify", "FIN"] as const) {
  const isCut = how === "FIN";
  scenario(
    `upstream tls: a body up to the end, at a ${how}, is ${isCut ? "cut" : "whole"}`,
    async (it) => {
      const server = createServer({ allowHalfOpen: true }, (raw) => {
        const socket = new TLSSocket(raw, { isServer: true, cert: leaf.cert, key: leaf.key });
        socket.on("error", () => {});
        socket.once("data", () => {
          socket.write("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it", () => {
            if (isCut) raw.end();
            else socket.end();
          });
        });
      });
      server.listen(0, "127.0.0.1");
      it.defer(() => server.close());
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      const proxy = await it.proxy(forwardTo(`https://127.0.0.1:${port}`, TRUSTED));

      const answer = await it.client(GET);

      assert.match(answer, /all of it/);
      assert.equal(await faultOf(proxy), isCut ? "response_truncated" : "");
      assert.equal(answer.endsWith("0\r\n\r\n"), !isCut);
    },
  );
}

scenario("upstream tls: the PROXY header goes ahead of the handshake", async (it) => {
  const origin = await secure(it);
  let header = "";
  const front = await RawServer.open(({ socket }) => {
    socket.removeAllListeners("data");
    socket.once("data", (bytes: Buffer) => {
      const end = bytes.indexOf("\r\n") + 2;
      header = bytes.toString("latin1", 0, end);
      const inner = connect(origin.port, "127.0.0.1");
      inner.on("error", () => {});
      inner.write(bytes.subarray(end));
      socket.pipe(inner).pipe(socket);
    });
  });
  it.defer(() => front.close());
  const upstream = `tls: { ca: ${authority.caFile} }, proxyProtocol: v1`;
  await it.proxy(forwardTo(`https://${front.address}`, { upstream }));

  const answer = await it.client(GET);

  assert.equal(statusOf(answer), 200);
  assert.match(header, /^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+\r\n$/);
});

scenario("upstream tls: a WebSocket goes through", async (it) => {
  const origin = await secure(it, {}, (connection) => {
    connection.socket.on("data", (bytes) => connection.socket.write(bytes));
    const accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
    return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
  });
  await it.proxy(forwardTo(origin.url, TRUSTED));
  const client = await it.connect();
  const key = "dGhlIHNhbXBsZSBub25jZQ==";
  client.send(
    `GET / HTTP/1.1\r\nhost: a.test\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${key}\r\n\r\n`,
  );
  await client.readUntil("\r\n\r\n");

  client.send("through and back");
  await client.readUntil("through and back");

  assert.equal(statusOf(client.text), 101);
});

scenario("upstream tls: active checks ask over TLS", async (it) => {
  const origin = await secure(it);
  const health = "health: { active: { every: 50ms, timeout: 1s } }";
  await it.proxyHere(
    forwardTo(origin.url, { upstream: `tls: { ca: ${authority.caFile} }, ${health}` }),
  );

  const checked = await eventually(
    () => origin.connections.find(({ requests }) => requests > 0),
    () => "a check",
  );

  assert.equal(checked.alpn, "http/1.1");
});
