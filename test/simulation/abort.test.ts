/**
 * An exchange cut after each of its bytes, by either side, with FIN and with RST, under a network
 * that cuts and joins differently each time: nothing is left behind, the exchange ends exactly once,
 * and no cut message looks whole to the other side (SECURITY S10).
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readResponse } from "../support/message.ts";
import type { SimPeer } from "../support/sim-peer.ts";
import { SimProxy } from "../support/sim-proxy.ts";

type How = "finish" | "close" | "reset";
const HOWS: readonly How[] = ["finish", "close", "reset"];

interface Exchanged {
  readonly name: string;
  readonly request: string;
  readonly response: string;
  /** FIN is how this response ends, so a FIN in its body cannot be told from its end. */
  readonly endsWithFin?: boolean;
}

const head = (line: string, fields: string) => `${line}\r\nHost: a.test\r\n${fields}\r\n`;
const CHUNKED = "Transfer-Encoding: chunked\r\n";

// biome-ignore format: a table
const exchanges: Exchanged[] = [
  {
    name: "a GET and a length",
    request: head("GET /x HTTP/1.1", ""),
    response: "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nworldend",
  },
  {
    name: "a length and chunks",
    request: `${head("POST /x HTTP/1.1", "Content-Length: 5\r\n")}hello`,
    response: `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n${CHUNKED}\r\n5\r\nworld\r\n3;x\r\nend\r\n0\r\nX-Sum: 8\r\n\r\n`,
  },
  {
    name: "chunks and the close",
    request: `${head("POST /x HTTP/1.1", CHUNKED)}2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\nX-Sum: 5\r\n\r\n`,
    response: "HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\nworldend",
    endsWithFin: true,
  },
  {
    name: "HTTP/1.0 and the close",
    request: head("GET /x HTTP/1.0", ""),
    response: "HTTP/1.0 200 OK\r\nX-A: 1\r\n\r\nworldend",
    endsWithFin: true,
  },
  {
    name: "HTTP/1.0 and chunks",
    request: head("GET /x HTTP/1.0", ""),
    response: `HTTP/1.1 200 OK\r\n${CHUNKED}\r\n5\r\nworld\r\n0\r\n\r\n`,
  },
  {
    name: "a WebSocket",
    request: `${head("GET /x HTTP/1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")}frames`,
    response: "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nframes",
  },
];

/** What the client could take for a whole final response. */
function wholeStatus(client: SimPeer): number | undefined {
  const ended = client.hasFinished && !client.wasReset;
  let at = 0;
  for (;;) {
    const message = readResponse(client.text, at, "GET", ended);
    if (message === undefined) return undefined;
    const status = Number(message.startLine.slice(9, 12));
    if (status >= 200) return status;
    at = message.end;
    if (status === 101) return status;
  }
}

async function settled(proxy: SimProxy, name: string): Promise<void> {
  await proxy.end();
  // Without its 101 what follows a handshake is read as the next request.
  assert.ok(proxy.worker.begun.length <= (name === "a WebSocket" ? 2 : 1));
}

for (const { name, request, response, endsWithFin } of exchanges) {
  for (const how of HOWS) {
    test(`abort: ${name}: the client's ${how} after every byte of its request`, async () => {
      for (let count = 0; count < request.length; count++) {
        const proxy = await SimProxy.start({ seed: count * 7 + 1, origins: [response] });
        const client = await proxy.clientWith(request.slice(0, count));
        client[how]();
        await proxy.advance(20);

        const headBytes = request.indexOf("\r\n\r\n") + 4;
        if (count < headBytes) assert.equal(proxy.origin.connections.length, 0, `at ${count}`);
        if (name !== "a WebSocket") assert.equal(proxy.origin.requests.length, 0, `at ${count}`);
        await settled(proxy, name);
      }
    });

    test(`abort: ${name}: the client's ${how} after every byte of the response`, async () => {
      for (let count = 0; count < response.length; count++) {
        const part = response.slice(0, count);
        const proxy = await SimProxy.start({ seed: count * 11 + 3, origins: [part] });
        const client = await proxy.clientWith(request);
        client[how]();
        await proxy.advance(20);
        if (how === "reset") assert.equal(proxy.openWires, 0, `at ${count}`);
        await settled(proxy, name);
        assert.equal(proxy.worker.begun.length, 1);
      }
    });

    test(`abort: ${name}: the origin's ${how} after every byte of its response`, async () => {
      for (let count = 0; count < response.length; count++) {
        const proxy = await SimProxy.start({
          seed: count * 13 + 5,
          origins: [
            (connection) => {
              connection.send(response.slice(0, count));
              // With close() what was sent before is on its way still, with reset() it may be lost.
              proxy.world.clock.after(1, () => connection[how]());
            },
          ],
        });
        const client = await proxy.clientWith(request);
        await proxy.advance(100);

        const status = wholeStatus(client);
        const bodyFrom = response.lastIndexOf("\r\n\r\n") + 4;
        const mayBeWhole =
          (endsWithFin === true && how !== "reset" && count >= bodyFrom) ||
          (name === "a WebSocket" && count >= bodyFrom);
        if (!mayBeWhole) {
          const why = `after ${count} bytes the client has a whole ${status}: ${JSON.stringify(client.text)}`;
          assert.ok(status === undefined || status === 502, why);
        }
        if (name !== "a WebSocket") assert.equal(proxy.ends.length, 1, `over, at ${count}`);
        await settled(proxy, name);
      }
    });
  }

  test(`abort: ${name}: both sides leave at random`, async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const proxy = await SimProxy.start({ seed, origins: [response] });
      const { random, clock } = proxy.world;
      const client = proxy.client();
      proxy.origin.onConnection = (connection) => {
        clock.after(random.below(30) / 10, () => connection[HOWS[random.below(3)]!]());
      };
      for (let at = 0; at < request.length; ) {
        const end = at + 1 + random.below(40);
        client.send(request.slice(at, end));
        at = end;
        await proxy.advance(random.below(4) / 10);
      }
      await proxy.advance(random.below(20) / 10);
      client[HOWS[random.below(3)]!]();
      await settled(proxy, name);
    }
  });
}

test("abort: under a network that keeps little, and a kept connection beside", async () => {
  for (let seed = 1; seed <= 80; seed++) {
    const body = "x".repeat(5_000);
    const answer = `HTTP/1.1 200 OK\r\n${CHUNKED}\r\n1388\r\n${body}\r\n0\r\n\r\n`;
    const proxy = await SimProxy.start({
      seed,
      origins: [answer, answer],
      network: { kernelBytes: 700 },
      replaysBody: seed % 2 === 0,
      retry: { on: new Set(["connect", "reused", "reset", "timeout"]) },
    });
    const { random } = proxy.world;
    const post = `${head("PUT /x HTTP/1.1", "Content-Length: 5000\r\n")}${body}`;
    const clients = Array.from({ length: 4 }, () => proxy.client());
    for (const client of clients) client.send(post.repeat(1 + random.below(3)));
    await proxy.advance(random.below(60) / 10);
    for (const origin of proxy.origins) {
      for (const connection of origin.connections) {
        if (random.below(2) === 0) connection[HOWS[random.below(3)]!]();
      }
    }
    await proxy.advance(random.below(300) / 10);
    for (const client of clients) {
      if (random.below(3) > 0) client[HOWS[random.below(3)]!]();
    }
    await proxy.advance(100);
    await proxy.end();
  }
});
