/** WebSockets to endpoints of HTTP/2: node:http2 there, the frames of ws, real clients of HTTP/1 and HTTP/2. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { SecureServerOptions, ServerHttp2Stream } from "node:http2";
import { WebSocket } from "ws";
import { Authority } from "../support/authority.ts";
import { within } from "../support/deadline.ts";
import { Http2Origin } from "../support/http2-origin.ts";
import { skipWithout } from "../support/parts.ts";
import { type Scenario, scenario } from "../support/scenario.ts";
import { StreamSocket } from "../support/stream-socket.ts";

const TAKES_THEM: SecureServerOptions = { settings: { enableConnectProtocol: true } };

/** An endpoint that echoes messages on streams that have become WebSockets. */
async function endpoint(it: Scenario, tls?: SecureServerOptions) {
  const origin = await Http2Origin.open(undefined, tls, TAKES_THEM);
  it.defer(() => origin.close());
  const sockets: WebSocket[] = [];
  const streams: ServerHttp2Stream[] = [];
  origin.onStream = (stream, headers) => {
    streams.push(stream);
    if (headers[":method"] !== "CONNECT") {
      stream.respond({ ":status": 200 });
      stream.end("plain");
      return;
    }
    assert.equal(headers["sec-websocket-key"], undefined);
    stream.respond({ ":status": 200, "sec-websocket-protocol": "chat" });
    const socket = new StreamSocket(stream, true);
    sockets.push(socket);
    socket.on("error", () => {});
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  };
  return { origin, sockets, streams };
}

async function connected(it: Scenario, port: number): Promise<WebSocket> {
  const client = new WebSocket(`ws://127.0.0.1:${port}/socket`, ["chat"]);
  client.on("error", () => {});
  it.defer(() => client.terminate());
  await within(once(client, "open"), () => "an open WebSocket");
  return client;
}

const nextMessage = async (socket: WebSocket) =>
  (await within(once(socket, "message"), () => "a message"))[0] as Buffer;

async function exchanges(client: WebSocket): Promise<void> {
  client.send("grüße");
  assert.equal(String(await nextMessage(client)), "grüße");
  const data = Buffer.alloc(4 * 1024 * 1024);
  for (let index = 0; index < data.length; index++) data[index] = (index * 31) >> 3;
  client.send(data);
  assert.ok(data.equals(await nextMessage(client)));
}

scenario("WebSockets to h2c:// share a connection with requests", async (it) => {
  const { origin, sockets } = await endpoint(it);
  const proxy = await it.proxy(`{ upstreams: { web: "h2c://127.0.0.1:${origin.port}" },
    sites: [{ hosts: "*", routes: [{ forward: web }] }] }`);
  const clients = [await connected(it, proxy.port), await connected(it, proxy.port)];

  await Promise.all(clients.map(exchanges));
  const answer = await fetch(`http://127.0.0.1:${proxy.port}/`);

  assert.equal(await answer.text(), "plain");
  assert.equal(clients[0]!.protocol, "chat");
  assert.deepEqual([origin.sessions.length, sockets.length], [1, 2]);
});

scenario("close codes reach the other side, and a death takes it along", async (it) => {
  const { origin, sockets, streams } = await endpoint(it);
  const proxy = await it.proxy(`{ upstreams: { web: "h2c://127.0.0.1:${origin.port}" },
    sites: [{ hosts: "*", routes: [{ forward: web }] }] }`);
  const [first, second, third] = [
    await connected(it, proxy.port),
    await connected(it, proxy.port),
    await connected(it, proxy.port),
  ];

  const closed = once(first, "close");
  sockets[0]!.close(4001, "enough");
  assert.equal((await within(closed, () => "the close"))[0], 4001);

  const gone = once(sockets[1]!, "close");
  second.terminate();
  assert.equal((await within(gone, () => "the endpoint's close"))[0], 1006);

  const cut = once(third, "close");
  streams[2]!.close(2);
  assert.equal((await within(cut, () => "the client's close"))[0], 1006);
  assert.equal(origin.sessions.length, 1);
});

scenario(
  "WebSockets to h2:// go through its one TLS connection",
  async (it) => {
    const authority = await Authority.create();
    it.defer(() => authority.remove());
    const { cert, key } = await authority.issue("IP:127.0.0.1");
    const { origin } = await endpoint(it, { cert, key });
    const proxy = await it.proxy(`{
      upstreams: { web: { endpoints: ["h2://127.0.0.1:${origin.port}"], tls: { ca: ${authority.caFile} } } },
      sites: [{ hosts: "*", routes: [{ forward: web }] }] }`);

    await exchanges(await connected(it, proxy.port));

    assert.equal(origin.sessions.length, 1);
  },
  { skip: skipWithout("openssl") },
);
