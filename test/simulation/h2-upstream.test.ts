/** HTTP/2 to endpoints, frame by frame: what is sent, what is shared, what is tried again. */
import assert from "node:assert/strict";
import * as wire from "../support/h2-frames.ts";
import { SimH2Client } from "../support/sim-h2-client.ts";
import { type H2OriginOptions, SimH2Origin } from "../support/sim-h2-origin.ts";
import {
  answersOf,
  GET,
  type SimProxy,
  type SimProxyOptions,
  simulation,
} from "../support/sim-proxy.ts";

const { DATA, frame, headers } = wire;
const H2C = { endpoint: { scheme: "h2c" } } as const;
const OK: H2OriginOptions = { answer: (connection, id) => connection.respond(id) };
const REFUSED = 7;

function h2(
  name: string,
  options: SimProxyOptions,
  origin: H2OriginOptions,
  act: (proxy: SimProxy, origin: SimH2Origin) => Promise<void>,
): void {
  simulation(`H2Upstream: ${name}`, { ...H2C, ...options }, (proxy) =>
    act(proxy, new SimH2Origin(proxy, origin)),
  );
}

h2(
  "a request of HTTP/1 goes out as fields, and its answer comes back",
  {},
  OK,
  async (proxy, origin) => {
    const client = await proxy.clientWith(
      "GET /a?b=c HTTP/1.1\r\nHost: A.test:81\r\nX-Own: 1\r\n\r\n",
    );

    assert.match(client.text, /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\n2\r\nok\r\n0\r\n\r\n$/);
    const [line = ""] = origin.last.log.of("HEADERS 1 END");
    assert.match(line, /:method=GET :scheme=http :authority=a\.test:81 :path=\/a\?b=c x-own=1 /);
    assert.match(line, / x-forwarded-for=203\.0\.113\.9 .* x-request-id=\S+$/);
    assert.doesNotMatch(line, / (?:host|connection|transfer-encoding)=/);
  },
);

h2(
  "bodies and trailers go both ways",
  {},
  {
    answer: (connection, id) => {
      connection.send(
        headers(id, [[":status", "200"]], 0),
        frame(DATA, 0, id, "up"),
        headers(id, [["x-sum", "2"]]),
      );
    },
  },
  async (proxy, origin) => {
    const client = await proxy.clientWith(
      "POST / HTTP/1.1\r\nHost: a.test\r\nTE: trailers\r\nConnection: TE\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-End: 1\r\n\r\n",
    );

    assert.match(origin.last.log.of("HEADERS 1 ")[0] ?? "", / te=trailers/);
    assert.equal(origin.last.log.data(1), "abc");
    assert.match(client.text, /\r\n\r\n2\r\nup\r\n0\r\nx-sum: 2\r\n\r\n$/);
  },
);

h2("a length is told, and an empty body ends with the head", {}, OK, async (proxy, origin) => {
  await proxy.clientWith("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc");
  await proxy.clientWith("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n");

  assert.match(origin.last.log.of("HEADERS 1 ")[0] ?? "", /content-length=3/);
  assert.match(origin.last.log.of("HEADERS 3 END")[0] ?? "", /content-length=0/);
});

h2("exchanges share one connection", {}, {}, async (proxy, origin) => {
  const clients = [];
  for (let count = 0; count < 5; count++) clients.push(await proxy.clientWith(GET));
  for (const id of [9, 7, 5, 3, 1]) origin.last.respond(id, `to ${id}`);
  await proxy.advance(5);

  assert.equal(origin.connections.length, 1);
  assert.deepEqual(
    clients.map(({ text }) => /to \d/.exec(text)?.[0]),
    ["to 1", "to 3", "to 5", "to 7", "to 9"],
  );
});

h2(
  "those who come before there is a connection wait for the same one",
  {},
  OK,
  async (proxy, origin) => {
    const clients = Array.from({ length: 20 }, () => proxy.client());
    for (const client of clients) client.send(GET);
    await proxy.advance(10);

    assert.equal(origin.connections.length, 1);
    assert.ok(clients.every((client) => answersOf(client)[0] === "200"));
  },
);

h2(
  "beyond what the endpoint allows there is another connection",
  {},
  { settings: [[3, 2]] },
  async (proxy, origin) => {
    for (let count = 0; count < 5; count++) await proxy.clientWith(GET);

    assert.deepEqual(
      origin.connections.map(({ requests }) => requests.length),
      [2, 2, 1],
    );
    for (const each of origin.connections) for (const id of [1, 3]) each.respond(id);
    await proxy.advance(5);
  },
);

h2(
  "trailers alone come as they are, and with no length",
  { protocols: ["h1", "h2c"] },
  {
    answer: (connection, id) =>
      connection.send(
        headers(id, [
          [":status", "200"],
          ["grpc-status", "12"],
        ]),
      ),
  },
  async (proxy) => {
    const client = await SimH2Client.greet(proxy);
    client.send(headers(1));
    await proxy.advance(5);

    assert.deepEqual(client.log.of("HEADERS"), ["HEADERS 1 END :status=200 grpc-status=12"]);
    client.peer.close();
  },
);

h2(
  "interim answers are passed on, and 100 lets the body come",
  {},
  {
    answer: (connection, id) =>
      connection.send(
        headers(
          id,
          [
            [":status", "103"],
            ["link", "</a>"],
          ],
          0,
        ),
        headers(id, [[":status", "100"]], 0),
      ),
  },
  async (proxy, origin) => {
    const client = proxy.client();
    client.send(
      "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n",
    );
    await proxy.advance(5);
    const before = client.text;
    client.send("hi");
    await proxy.advance(5);
    origin.last.respond(1);
    await proxy.advance(5);

    assert.match(
      before,
      /^HTTP\/1\.1 103 Early Hints\r\nlink: <\/a>\r\n\r\nHTTP\/1\.1 100 Continue\r\n\r\n$/,
    );
    assert.match(origin.last.log.of("HEADERS 1")[0] ?? "", /expect=100-continue/);
    assert.equal(origin.last.log.data(1), "hi");
    assert.deepEqual(answersOf(client).at(-1), "200");
  },
);

h2(
  "a client that leaves resets its stream, at once and no other",
  {},
  {},
  async (proxy, origin) => {
    const gone = await proxy.clientWith(GET);
    const stays = await proxy.clientWith(GET);
    gone.reset();
    await proxy.advance(5);

    assert.deepEqual(origin.last.log.of("RST_STREAM"), ["RST_STREAM 1 CANCEL"]);
    origin.last.respond(3);
    await proxy.advance(5);
    assert.deepEqual(answersOf(stays), ["200"]);
  },
);

// --- tried again ---------------------------------------------------------------------------------

h2(
  "a refused stream is tried again, whatever the method",
  {},
  {
    answer: (connection, id) => {
      if (id === 1) connection.reset(id, REFUSED);
      else connection.respond(id);
    },
  },
  async (proxy, origin) => {
    const client = await proxy.clientWith(
      "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n",
    );
    await proxy.advance(1_000);

    assert.deepEqual(answersOf(client), ["200"]);
    assert.deepEqual(origin.requests, ["1 POST /", "3 POST /"]);
  },
);

h2(
  "what GOAWAY leaves out is tried again, and what it does not is served",
  {},
  {},
  async (proxy, origin) => {
    const served = await proxy.clientWith(GET);
    const again = await proxy.clientWith(
      "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n",
    );
    const [first] = origin.connections;
    first!.goAway(1);
    await proxy.advance(1_000);
    origin.options = OK;
    first!.respond(1, "the first");
    origin.last.respond(1, "the second");
    await proxy.advance(5);

    assert.match(served.text, /the first/);
    assert.match(again.text, /the second/);
    assert.equal(origin.connections.length, 2);
    await proxy.advance(3_000);
    assert.ok(first!.peer.hasFinished);
  },
);

h2(
  "an idle connection that the endpoint closes meanwhile costs a request nothing",
  {},
  OK,
  async (proxy, origin) => {
    await proxy.clientWith(GET);
    origin.options = {};
    const client = await proxy.clientWith(GET);
    origin.options = OK;
    origin.connections[0]!.peer.close();
    await proxy.advance(500);

    assert.deepEqual(answersOf(client), ["200"]);
    assert.equal(origin.connections.length, 2);
  },
);

h2(
  "a reset with another code is no answer, and is not tried again by itself",
  {},
  {
    answer: (connection, id) => connection.reset(id, 2),
  },
  async (proxy) => {
    const client = await proxy.clientWith(GET);

    assert.deepEqual(answersOf(client), ["502 upstream_stream_reset"]);
  },
);

h2("a response that is reset is cut, and the others go on", {}, {}, async (proxy, origin) => {
  const cut = await proxy.clientWith(GET);
  const whole = await proxy.clientWith(GET);
  origin.last.send(headers(1, [[":status", "200"]], 0), frame(DATA, 0, 1, "half"));
  await proxy.advance(5);
  origin.last.reset(1, 2);
  origin.last.respond(3, "whole");
  await proxy.advance(5);

  assert.match(cut.text, /half/);
  assert.doesNotMatch(cut.text, /\r\n0\r\n\r\n$/);
  assert.match(whole.text, /whole/);
  assert.deepEqual(proxy.ends.toSorted(), ["response_truncated", "served"]);
});

h2("a connection that breaks is told to each of its exchanges", {}, {}, async (proxy, origin) => {
  const head = await proxy.clientWith(GET);
  const body = await proxy.clientWith(GET);
  origin.last.send(headers(3, [[":status", "200"]], 0), frame(DATA, 0, 3, "half"));
  await proxy.advance(5);
  origin.last.peer.reset();
  await proxy.advance(5);

  assert.deepEqual(answersOf(head), ["502 upstream_stream_reset"]);
  assert.match(body.text, /half/);
  assert.deepEqual(proxy.ends.toSorted(), ["response_truncated", "upstream_stream_reset"]);
});

h2(
  "an answer before the end of the upload ends the upload",
  {},
  {
    answer: (connection, id) => connection.respond(id, "enough"),
  },
  async (proxy, origin) => {
    const client = proxy.client();
    client.send(`POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100\r\n\r\nsome`);
    await proxy.advance(5);

    assert.match(client.text, /enough/);
    assert.deepEqual(origin.last.log.of("RST_STREAM"), ["RST_STREAM 1 CANCEL"]);
    assert.equal(origin.last.peer.isClosed, false);
  },
);
