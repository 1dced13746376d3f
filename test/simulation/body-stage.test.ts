/** Bodies that go through a stage, at once or later: what comes out, and what holds whom back. */
import assert from "node:assert/strict";
import { type StageMaker, stageRequest, stageResponse } from "../../src/core/body-stage.ts";
import {
  DATA,
  END_STREAM,
  frame,
  GET as H2_GET,
  POST as H2_POST,
  headers,
} from "../support/h2-frames.ts";
import { SimH2Client } from "../support/sim-h2-client.ts";
import type { SimPeer } from "../support/sim-peer.ts";
import { answersOf, GET, OK, type SimProxy, simulation } from "../support/sim-proxy.ts";
import { LaterClock, StageLog } from "../support/sim-stages.ts";

const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const MIB = 1024 * 1024;
const PATIENT = {
  timeouts: { write: 1e9, send: 1e9, requestBody: 1e9, responseBody: 1e9, responseHead: 1e9 },
  rates: { minBytesPerSecond: 0, graceMs: 0 },
} as const;

const responses = (...makers: StageMaker[]) => ({
  respond: makers.map(
    (make) => (exchange: Parameters<typeof stageResponse>[0]) => stageResponse(exchange, make),
  ),
});

const requests = (...makers: StageMaker[]) => ({
  before: makers.map(
    (make) => (exchange: Parameters<typeof stageRequest>[0]) => stageRequest(exchange, make),
  ),
});

/** Both kinds of stage: one that answers at once, and one that takes its time. */
function staged(
  name: string,
  options: (loud: (copies?: number) => StageMaker) => Parameters<typeof simulation>[1],
  act: (proxy: SimProxy, log: StageLog) => Promise<void>,
): void {
  for (const kind of ["at once", "later"] as const) {
    const log = new StageLog();
    const clock = new LaterClock();
    const loud = (copies = 1) => log.loud(kind === "later" ? { clock, copies } : { copies });
    simulation(`${name} (${kind})`, options(loud), async (proxy) => {
      clock.proxy = proxy;
      await act(proxy, log);
    });
  }
}

function bodyOf(peer: SimPeer): string {
  const [, body = ""] = peer.text.split(/\r\n\r\n(.*)/s);
  return /Transfer-Encoding: chunked/i.test(peer.text)
    ? body.replaceAll(/[0-9a-f]+\r\n(.*?)\r\n/gis, "$1").trimEnd()
    : body;
}

staged(
  "stage: a response of a known length goes out in chunks, changed",
  (loud) => ({ phases: responses(loud(2)), origins: [OK, OK] }),
  async (proxy, log) => {
    const client = await proxy.clientWith(GET + GET);
    await proxy.advance(100);

    assert.equal(client.text.match(/Transfer-Encoding: chunked/g)?.length, 2);
    assert.ok(!/Content-Length/i.test(client.text));
    assert.equal(client.text.match(/4\r\nOKOK\r\n0\r\n\r\n/g)?.length, 2, client.text);
    assert.equal(proxy.lastOver.responseBytes, 4);
    assert.deepEqual([log.made, log.stopped], [2, 0]);
  },
);

staged(
  "stage: who asks first is the first that the bytes come to",
  (loud) => ({
    phases: responses(loud(), (onward) => ({
      holdsBytes: false,
      write: (bytes) => onward.write(Buffer.from(`<${bytes}>`)),
      flush: () => onward.flush(),
      end: (trailers) => onward.end(trailers),
      resume: () => onward.more(),
      stop: () => {},
    })),
    origins: [(connection) => connection.send(`${CHUNKED}1\r\na\r\n0\r\nX-End: t\r\n\r\n`)],
    network: { splits: false },
  }),
  async (proxy) => {
    const client = await proxy.clientWith("GET / HTTP/1.1\r\nHost: a.test\r\nTE: trailers\r\n\r\n");
    await proxy.advance(100);

    assert.match(client.text, /\r\n\r\n3\r\n<A>\r\n0\r\nX-End: t\r\n\r\n$/);
  },
);

staged(
  "stage: nothing is made for HEAD, 204 and 304, and lengths that are told stay",
  (loud) => ({
    phases: responses(loud()),
    origins: [
      (connection, { startLine }) => {
        if (startLine.startsWith("HEAD")) connection.send(OK.replace("ok", ""));
        else if (startLine.includes("/304")) {
          connection.send("HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n");
        } else connection.send("HTTP/1.1 204 No Content\r\n\r\n");
      },
    ],
  }),
  async (proxy, log) => {
    const client = await proxy.clientWith(
      GET.replace("GET", "HEAD") + GET.replace("/", "/304") + GET.replace("/", "/204"),
    );
    await proxy.advance(100);

    assert.deepEqual(answersOf(client), ["200", "304", "204"]);
    assert.equal(client.text.match(/Content-Length: 2/g)?.length, 2);
    assert.ok(!/chunked/i.test(client.text));
    assert.equal(log.made, 0);
  },
);

staged(
  "stage: a client of HTTP/1.0 has it until the end of the connection",
  (loud) => ({ phases: responses(loud()) }),
  async (proxy) => {
    const client = await proxy.clientWith("GET / HTTP/1.0\r\nHost: a.test\r\n\r\n");
    await proxy.advance(100);

    assert.match(client.text, /Connection: close\r\n\r\nOK$/);
    assert.equal(client.hasFinished, true);
  },
);

staged(
  "stage: replies of our own go through it as well",
  (loud) => ({
    phases: {
      ...responses(loud()),
      before: [() => ({ status: 404, body: "no such thing" })],
    },
  }),
  async (proxy) => {
    const client = await proxy.clientWith(GET);
    await proxy.advance(100);

    assert.equal(bodyOf(client), "NO SUCH THING");
  },
);

staged(
  "stage: 4 MiB to a client that pauses are held back, and come whole",
  (loud) => ({
    ...PATIENT,
    network: { splits: false },
    phases: responses(loud(2)),
    origins: [
      (connection) => {
        connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${4 * MIB}\r\n\r\n`);
        connection.sendBytes(Buffer.alloc(4 * MIB, "x"));
      },
    ],
  }),
  async (proxy, log) => {
    const client = proxy.client();
    client.pause();
    client.send(GET);
    await proxy.advance(60_000);
    const held = proxy.pendingBytes + log.heldMost;
    client.resume();
    await proxy.advanceUntil(() => proxy.ends.length === 1, 600_000, 5);
    await proxy.advance(5);

    assert.ok(held < MIB, `${held} bytes held`);
    assert.equal(proxy.lastOver.responseBytes, 8 * MIB);
    assert.ok(client.byteCount > 8 * MIB);
    assert.ok(!/[^X\r\n0-9a-f]/.test(bodyOf(client).slice(0, 100_000)), "and nothing else");
  },
);

staged(
  "stage: a client that leaves stops it",
  (loud) => ({
    phases: responses(loud()),
    origins: [(connection) => connection.send(`${CHUNKED}1\r\na\r\n`)],
  }),
  async (proxy, log) => {
    const client = await proxy.clientWith(GET);
    await proxy.advance(20);
    client.reset();
    await proxy.advance(20);

    assert.deepEqual(proxy.ends, ["client_gone"]);
    assert.deepEqual([log.made, log.stopped], [1, 1]);
  },
);

staged(
  "stage: an endpoint that breaks off cuts the response",
  (loud) => ({
    phases: responses(loud()),
    origins: [
      (connection) => {
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
        connection.close();
      },
    ],
  }),
  async (proxy, log) => {
    const client = await proxy.clientWith(GET);
    await proxy.advance(100);

    assert.equal(client.isClosed || client.hasFinished, true);
    assert.ok(!client.text.endsWith("0\r\n\r\n"), "it must not look whole");
    assert.notDeepEqual(proxy.ends, ["served"]);
    assert.deepEqual([log.made, log.stopped], [1, 1]);
  },
);

staged(
  "stage: one that cannot go on cuts the response and lets go of the endpoint",
  (loud) => ({
    phases: responses(loud()),
    origins: [(connection) => connection.send(`${CHUNKED}1\r\na\r\n1\r\n!\r\n1\r\nb\r\n`)],
  }),
  async (proxy, log) => {
    const client = await proxy.clientWith(GET);
    await proxy.advance(100);

    assert.ok(!client.text.endsWith("0\r\n\r\n"), "it must not look whole");
    assert.deepEqual(proxy.ends, ["bug"]);
    assert.equal(proxy.origin.last.hasFinished || proxy.origin.last.wasReset, true);
    assert.deepEqual([log.made, log.stopped], [1, 1]);
  },
);

staged(
  "stage: a response over HTTP/2",
  (loud) => ({ protocols: ["h2c"], phases: responses(loud(3)) }),
  async (proxy) => {
    const client = await SimH2Client.greet(proxy);
    client.send(headers(1, H2_GET));
    await proxy.advance(100);

    assert.equal(client.log.data(1), "OKOKOK");
    assert.deepEqual(proxy.ends, ["served"]);
  },
);

// --- requests ----------------------------------------------------------------------------------

const POST = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello";

const bodies = (proxy: SimProxy, place = 0) =>
  proxy.origins[place]!.requests.map(({ body }) => body);

staged(
  "stage: a request of a known length goes on in chunks, changed",
  (loud) => ({ phases: requests(loud(2)) }),
  async (proxy) => {
    const client = await proxy.clientWith(POST);
    await proxy.advance(200);

    assert.deepEqual(answersOf(client), ["200"]);
    assert.match(proxy.origin.last.text, /Transfer-Encoding: chunked/i);
    assert.ok(!/Content-Length/i.test(proxy.origin.last.text));
    assert.equal([...bodies(proxy).join()].sort().join(""), "EEHHLLLLOO");
    assert.equal(proxy.lastOver.requestBytes, 5);
  },
);

staged(
  "stage: a request over HTTP/2",
  (loud) => ({ protocols: ["h2c"], phases: requests(loud()) }),
  async (proxy) => {
    const client = await SimH2Client.greet(proxy);
    client.send(headers(1, H2_POST, 0), frame(DATA, END_STREAM, 1, Buffer.from("hello")));
    await proxy.advance(200);

    assert.deepEqual(bodies(proxy), ["HELLO"]);
    assert.equal(client.log.data(1), "ok");
  },
);

staged(
  "stage: a request without a body goes on as it is",
  (loud) => ({ phases: requests(loud()) }),
  async (proxy, log) => {
    const client = await proxy.clientWith(GET);
    await proxy.advance(20);

    assert.deepEqual(answersOf(client), ["200"]);
    assert.ok(!/chunked/i.test(proxy.origin.last.text));
    assert.equal(log.made, 0);
  },
);

staged(
  "stage: 4 MiB to an endpoint that pauses are held back, and come whole",
  (loud) => ({
    ...PATIENT,
    network: { splits: false },
    phases: requests(loud()),
  }),
  async (proxy, log) => {
    proxy.origin.onConnection = (connection) => {
      connection.isReading = false;
      connection.pause();
    };
    const client = proxy.client();
    client.send(`POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${4 * MIB}\r\n\r\n`);
    client.sendBytes(Buffer.alloc(4 * MIB, "x"));
    await proxy.advance(60_000);
    const held = proxy.pendingBytes + log.heldMost;
    const origin = proxy.origin.last;
    origin.resume();
    await proxy.advanceUntil(() => origin.byteCount > 4 * MIB, 600_000, 5);
    await proxy.advance(50);
    origin.send(OK);
    await proxy.advance(5);

    assert.ok(held < MIB, `${held} bytes held`);
    assert.deepEqual(answersOf(client), ["200"]);
    assert.equal(proxy.lastOver.requestBytes, 4 * MIB);
  },
);

staged(
  "stage: what is tried again is what came out",
  (loud) => ({
    phases: requests(loud()),
    replaysBody: true,
    retry: { statuses: new Set([503]) },
    origins: [
      (connection) => connection.send("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"),
      OK,
    ],
  }),
  async (proxy, log) => {
    const client = await proxy.clientWith(POST.replace("POST", "PUT"));
    await proxy.advance(2_000);

    assert.deepEqual(answersOf(client), ["200"]);
    assert.deepEqual(bodies(proxy, 1), ["HELLO"]);
    assert.equal(log.made, 1);
  },
);

staged(
  "stage: a request that cannot go on is refused, and the endpoint never has the whole of it",
  (loud) => ({ phases: requests(loud()), bugsExpected: true }),
  async (proxy, log) => {
    const client = await proxy.clientWith(POST.replace("hello", "hel!o"));
    await proxy.advance(200);

    assert.deepEqual(answersOf(client), ["500 bug"]);
    assert.deepEqual(proxy.ends, ["bug"]);
    assert.deepEqual(bodies(proxy), []);
    assert.deepEqual([log.made, log.stopped], [1, 1]);
  },
);

staged(
  "stage: a client that leaves in the middle of its body stops it",
  (loud) => ({ phases: requests(loud()) }),
  async (proxy, log) => {
    const client = await proxy.clientWith(POST.replace("hello", "he"));
    client.reset();
    await proxy.advance(50);

    assert.deepEqual(proxy.ends, ["client_gone"]);
    assert.deepEqual([log.made, log.stopped], [1, 1]);
  },
);
