/** WebSockets over HTTP/2, over real sockets: the client is node:http2, the frames are those of ws. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Stream, connect } from "node:http2";
import { WebSocket } from "ws";
import { within } from "../support/deadline.ts";
import { faultOf, forwardTo, type Scenario, scenario } from "../support/scenario.ts";
import { StreamSocket } from "../support/stream-socket.ts";
import { certificateFor } from "../support/tls-stage.ts";
import { type SocketServer, socketServer } from "../support/websocket.ts";

const LISTENERS = 'listeners: { "*": { protocols: [h1, h2c] } }';

const echo = (socket: WebSocket) =>
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));

interface Opened {
  readonly client: WebSocket;
  readonly stream: ClientHttp2Stream;
  readonly server: SocketServer;
  readonly proxy: Awaited<ReturnType<Scenario["proxy"]>>;
  again(): Promise<WebSocket>;
}

interface How {
  readonly top?: string;
  readonly site?: string;
  readonly isSecure?: boolean;
}

async function open(it: Scenario, { top = LISTENERS, site, isSecure }: How = {}): Promise<Opened> {
  const server = await socketServer(echo);
  it.defer(() => server.close());
  const proxy = await it.proxy(forwardTo(server.url, { top, ...(site !== undefined && { site }) }));
  const scheme = isSecure === true ? "https" : "http";
  const session = connect(`${scheme}://127.0.0.1:${proxy.port}`, {
    ...{ rejectUnauthorized: false, servername: "a.test" },
  });
  session.on("error", () => {});
  it.defer(() => session.destroy());
  await within(once(session, "remoteSettings"), () => "settings");
  assert.equal(session.remoteSettings.enableConnectProtocol, true);
  const streams: ClientHttp2Stream[] = [];
  const another = async () => {
    const stream = session.request({
      ...{ ":method": "CONNECT", ":protocol": "websocket", ":path": "/socket" },
      ...{ "sec-websocket-version": "13", "sec-websocket-protocol": "chat" },
    });
    streams.push(stream);
    stream.on("error", () => {});
    const [head] = await within(once(stream, "response"), () => "the response");
    assert.equal(head[":status"], 200);
    assert.equal(head["sec-websocket-protocol"], "chat");
    assert.equal(head["sec-websocket-accept"], undefined);
    const socket = new StreamSocket(stream);
    socket.on("error", () => {});
    return socket;
  };
  const client = await another();
  return { client, stream: streams[0]!, server, proxy, again: another };
}

const nextMessage = async (socket: WebSocket) =>
  (await within(once(socket, "message"), () => "a message"))[0] as Buffer;

scenario(
  "http2 websocket: text and binary pass through, many sockets on one connection",
  async (it) => {
    const { client, server, again } = await open(it);
    const others = await Promise.all(Array.from({ length: 20 }, again));

    client.send("grüße");
    assert.equal(String(await nextMessage(client)), "grüße");
    for (const [number, each] of others.entries()) each.send(Buffer.of(number, 0, 255));
    const answers = await Promise.all(others.map(nextMessage));

    assert.deepEqual(
      answers.map(([first]) => first),
      others.map((_, number) => number),
    );
    assert.equal(server.sockets.length, 21);
  },
);

scenario("http2 websocket: 8 MiB each way arrive whole", async (it) => {
  const { client } = await open(it);
  const data = Buffer.alloc(8 * 1024 * 1024);
  for (let index = 0; index < data.length; index++) data[index] = (index * 31) >> 3;

  client.send(data);

  assert.ok(data.equals(await nextMessage(client)));
});

scenario("http2 websocket: the close code of either side reaches the other", async (it) => {
  const { client, server, again } = await open(it);
  const closed = once(client, "close");
  server.sockets[0]!.close(4001, "enough");
  const [code, reason] = await within(closed, () => "the close");

  assert.deepEqual([code, String(reason)], [4001, "enough"]);

  const second = await again();
  const other = once(server.sockets[1]!, "close");
  second.close(4002, "bye");
  assert.equal((await within(other, () => "the other close"))[0], 4002);
});

scenario("http2 websocket: who dies takes the other side along", async (it) => {
  const { client, server, stream, again } = await open(it);
  const gone = once(server.sockets[0]!, "close");
  stream.close(8);
  assert.equal((await within(gone, () => "the server's close"))[0], 1006);
  assert.notEqual(client.readyState, WebSocket.OPEN);

  const second = await again();
  const closed = once(second, "close");
  server.sockets[1]!.terminate();
  assert.equal((await within(closed, () => "the client's close"))[0], 1006);
});

scenario(
  "http2 websocket: an idle one ends after timeouts.tunnelIdle, the connection stays",
  async (it) => {
    const { client, proxy, again } = await open(it, {
      top: `${LISTENERS}, timeouts: { tunnelIdle: 200ms }`,
    });

    await within(once(client, "close"), () => "the close");

    assert.equal(await faultOf(proxy), "tunnel_idle");
    const second = await again();
    second.send("x");
    assert.equal(String(await nextMessage(second)), "x");
  },
);

scenario("http2 websocket: over TLS, as browsers do it", async (it) => {
  const { cert, key } = await certificateFor(it, ["a.test"]);
  const site = `tls: { cert: ${cert}, key: ${key} }`;
  const { client, proxy } = await open(it, { top: "admin: off", site, isSecure: true });

  client.send("grüße");
  assert.equal(String(await nextMessage(client)), "grüße");
  client.close(1000);
  await within(once(client, "close"), () => "the close");

  const [line] = await proxy.accessLines(1);
  assert.deepEqual(
    [line?.["protocol"], line?.["status"], line?.["scheme"]],
    ["HTTP/2", 101, "https"],
  );
});
