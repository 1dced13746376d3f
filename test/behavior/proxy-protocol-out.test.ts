/** Endpoints that ask for it are told who the client is; no two clients share such a connection. */
import assert from "node:assert/strict";
import { readProxyHeader } from "../../src/protocol/proxy-protocol/read-proxy-header.ts";
import { eventually } from "../support/deadline.ts";
import { freePort } from "../support/free.ts";
import { startHaproxy } from "../support/haproxy.ts";
import { startNginx } from "../support/nginx.ts";
import { skipWithout } from "../support/parts.ts";
import { type RawConnection, RawServer } from "../support/raw-server.ts";
import { forwardTo, GET, OK, type Scenario, scenario } from "../support/scenario.ts";

/** An origin that takes a PROXY header and then answers each request. */
async function origin(it: Scenario) {
  const server = await RawServer.open((connection) => {
    let answered = 0;
    connection.onText = () => {
      const requests = connection.text.split("\r\n\r\n").length - 1 - blanksOf(connection);
      for (; answered < requests; answered++) connection.socket.write(OK);
    };
  });
  it.defer(() => server.close());
  return server;
}

// The signature of version 2 has an empty line of its own.
function blanksOf({ text }: RawConnection): number {
  return text.startsWith("\r\n\r\n") ? 1 : 0;
}

function headerOf({ text }: RawConnection) {
  const bytes = Buffer.from(text, "latin1");
  const read = readProxyHeader(bytes, bytes.length);
  assert.ok(read.kind === "header", `${read.kind} ${JSON.stringify(text)}`);
  return { ...read.header, rest: bytes.subarray(read.next).toString("latin1") };
}

for (const version of ["v1", "v2"] as const) {
  scenario(
    `${version} over HTTP: one connection for each client, kept for that client`,
    async (it) => {
      const app = await origin(it);
      const proxy = await it.proxy(
        forwardTo(`http://${app.address}`, { upstream: `proxyProtocol: ${version}` }),
      );
      const [one, other] = [await it.connect(), await it.connect()];

      for (const client of [one, other, one, other]) {
        client.send(GET);
        assert.equal((await client.readResponse()).status, 200);
      }

      const ports = app.connections.map((each) => headerOf(each).ends?.source.port);
      assert.deepEqual(new Set(ports), new Set([one.socket.localPort, other.socket.localPort]));
      assert.equal(app.connections.length, 2);
      for (const each of app.connections) {
        const { ends, rest } = headerOf(each);
        assert.deepEqual(ends!.destination, { host: "127.0.0.1", port: proxy.port });
        assert.equal(rest.split("GET / HTTP/1.1\r\n").length - 1, 2);
      }
    },
  );

  scenario(`${version}: a client's connections to endpoints end with its own`, async (it) => {
    const app = await origin(it);
    await it.proxy(forwardTo(`http://${app.address}`, { upstream: `proxyProtocol: ${version}` }));
    const client = await it.connect();
    client.send(GET);
    await client.readResponse();

    client.close();

    await eventually(
      () => app.connections[0]!.ended || undefined,
      () => "the end of the connection",
    );
  });
}

scenario("a kept connection that died is made anew, for the same client", async (it) => {
  const app = await origin(it);
  await it.proxy(forwardTo(`http://${app.address}`, { upstream: "proxyProtocol: v1" }));
  const client = await it.connect();
  client.send(GET);
  await client.readResponse();

  app.connections[0]!.socket.destroy();
  client.send(GET);
  const { status } = await client.readResponse();

  assert.equal(status, 200);
  assert.equal(headerOf(app.connections.at(-1)!).ends?.source.port, client.socket.localPort);
});

scenario("what came in a header goes out in one: name, protocol and id", async (it) => {
  const app = await RawServer.open();
  it.defer(() => app.close());
  const { writeProxyHeader } = await import(
    "../../src/protocol/proxy-protocol/write-proxy-header.ts"
  );
  await it.proxy(`{ upstreams: { app: { endpoints: "${app.address}", proxyProtocol: v2 } },
    streams: [{ forward: app, proxyProtocol: { from: [127.0.0.1] } }] }`);
  const ends = {
    source: { host: "2001:db8::7", port: 7 },
    destination: { host: "2001:db8::1", port: 443 },
  };
  const facts = { authority: "a.test", alpn: "h2", uniqueId: "abc", isTls: false };
  const client = await it.connect();

  client.send(Buffer.concat([writeProxyHeader(2, ends, facts), Buffer.from("hello")]));
  await eventually(
    () => app.connections[0]?.text.endsWith("hello") || undefined,
    () => "the bytes",
  );

  const { version, rest, ...said } = headerOf(app.connections[0]!);
  assert.deepEqual(said, { ends, facts });
  assert.deepEqual([version, rest], [2, "hello"]);
});

scenario(
  "nginx behind us takes both the header and the requests, by HTTP and by stream",
  async (it) => {
    const nginx = await startNginx(
      "return 200 $proxy_protocol_addr:$proxy_protocol_port;",
      "",
      " proxy_protocol",
    );
    it.defer(() => nginx[Symbol.asyncDispose]());
    for (const version of ["v1", "v2"]) {
      const proxy = await it.proxy(`{
        upstreams: { app: { endpoints: "127.0.0.1:${nginx.port}", proxyProtocol: ${version} } },
        sites: [{ hosts: ["*"], routes: [{ forward: app }] }], streams: [{ listen: "127.0.0.2:0", forward: app }] }`);
      for (const port of [proxy.ports[0]!, proxy.ports[1]!]) {
        const client = await it.connect(port, port === proxy.ports[1] ? "127.0.0.2" : "127.0.0.1");
        client.send(GET);
        const { body } = await client.readResponse();
        assert.equal(body, `${client.socket.localAddress}:${client.socket.localPort}`);
      }
    }
  },
  { skip: skipWithout("nginx") },
);

scenario(
  "HAProxy behind us takes the header (accept-proxy)",
  async (it) => {
    const end = await it.origin(OK);
    const port = await freePort();
    const haproxy = await startHaproxy(
      port,
      `listen app\n mode http\n bind 127.0.0.1:${port} accept-proxy\n option httpclose\n
         http-request set-header x-port %cp\n server s 127.0.0.1:${end.port}\n`,
    );
    it.defer(() => haproxy[Symbol.asyncDispose]());
    await it.proxy(forwardTo(`http://127.0.0.1:${port}`, { upstream: "proxyProtocol: v2" }));
    const client = await it.connect();

    client.send(GET);
    await client.readResponse();

    const told = end.received[0]!.fields.find(([key]) => key.toLowerCase() === "x-port");
    assert.equal(told?.[1], String(client.socket.localPort));
  },
  { skip: skipWithout("haproxy") },
);
