/** A client of HTTP/2: its exchanges, and what it is refused. */
import assert from "node:assert/strict";
import * as wire from "../support/h2-frames.ts";
import { GET, POST } from "../support/h2-frames.ts";
import { SimH2Client } from "../support/sim-h2-client.ts";
import { answersOf, OK, simulation } from "../support/sim-proxy.ts";

const H2 = { protocols: ["h1", "h2c"] } as const;
const HEAD = [[":method", "HEAD"] as const, ...GET.slice(1)];
const { DATA, END_STREAM, frame, headers } = wire;
const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

simulation("h2: ten requests at once, each with its answer", H2, async (proxy) => {
  const client = await SimH2Client.greet(proxy);

  for (let id = 1; id < 20; id += 2) client.send(headers(id));
  await proxy.advance(20);

  assert.deepEqual(
    client.answers.toSorted(),
    Array.from({ length: 10 }, (_, index) => `${2 * index + 1} 200`).toSorted(),
  );
  for (let id = 1; id < 20; id += 2) assert.equal(client.log.data(id), "ok");
  assert.deepEqual(proxy.ends, new Array(10).fill("served"));
});

simulation(
  "h2: a body with its trailers goes to the origin, and a response's come back",
  {
    ...H2,
    origins: [`${CHUNKED}5\r\nhello\r\n0\r\nGrpc-Status: 0\r\n\r\n`],
  },
  async (proxy) => {
    const client = await SimH2Client.greet(proxy);

    client.send(
      headers(1, [...POST, ["te", "trailers"]], 0),
      frame(DATA, 0, 1, "abc"),
      headers(1, [["x-sum", "1"]]),
    );
    await proxy.advance(20);

    const [request] = proxy.origin.requests;
    assert.equal(request?.body, "abc");
    assert.match(proxy.origin.last.text, /transfer-encoding: chunked\r\n[\s\S]*x-sum: 1\r\n\r\n$/i);
    assert.match(proxy.origin.last.text, /\r\nTE: trailers\r\n/);
    assert.deepEqual(client.log.of("HEADERS 1"), [
      "HEADERS 1 :status=200",
      "HEADERS 1 END grpc-status=0",
    ]);
    assert.equal(client.log.data(1), "hello");
  },
);

for (const early of [true, false]) {
  simulation(
    `h2: a body that ends with nothing in it ends at the origin, ${early ? "before" : "after"} its connection is there`,
    H2,
    async (proxy) => {
      const client = await SimH2Client.greet(proxy);

      client.send(headers(1, POST, 0));
      if (!early) await proxy.advance(20);
      client.send(frame(DATA, END_STREAM, 1));
      await proxy.advance(20);

      assert.deepEqual(client.answers, ["1 200"]);
      assert.equal(proxy.origin.requests[0]?.body, "");
    },
  );
}

// biome-ignore format: a table
const BODILESS: readonly (readonly [name: string, answer: string, request: readonly wire.Pair[], wanted: string])[] = [
  ["HEAD",                "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n",            HEAD, "HEADERS 1 END :status=200 content-length=7"],
  ["204",                 "HTTP/1.1 204 No Content\r\n\r\n",                         GET,  "HEADERS 1 END :status=204"],
  ["304",                 "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",  GET,  "HEADERS 1 END :status=304 content-length=7"],
  ["an empty body",       "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",            GET,  "HEADERS 1 END :status=200 content-length=0"],
];

for (const [name, answer, request, wanted] of BODILESS) {
  simulation(
    `h2: no data follows the head: ${name}`,
    { ...H2, origins: [answer] },
    async (proxy) => {
      const client = await SimH2Client.greet(proxy);

      client.send(headers(1, request));
      await proxy.advance(20);

      assert.deepEqual(client.log.lines, [wanted]);
    },
  );
}

simulation(
  "h2: interim responses come first",
  {
    ...H2,
    origins: [`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}`],
  },
  async (proxy) => {
    const client = await SimH2Client.greet(proxy);

    client.send(headers(1));
    await proxy.advance(20);

    assert.deepEqual(client.log.of("HEADERS"), [
      "HEADERS 1 :status=103 link=</a>",
      "HEADERS 1 :status=200 content-length=2",
    ]);
  },
);

simulation(
  "h2: a body that waits for 100 comes when the origin says so",
  {
    ...H2,
    origins: [OK],
  },
  async (proxy) => {
    proxy.origin.onConnection = (connection) => {
      connection.isReading = false;
      connection.onBytes = () => {
        if (connection.text.endsWith("\r\n\r\n")) connection.send("HTTP/1.1 100 Continue\r\n\r\n");
        else if (connection.text.endsWith("\r\n\r\nabc")) connection.send(OK);
      };
    };
    const client = await SimH2Client.greet(proxy);
    client.send(headers(1, [...POST, ["expect", "100-continue"], ["content-length", "3"]], 0));
    await proxy.advance(20);
    const first = [...client.answers];

    client.send(frame(DATA, END_STREAM, 1, "abc"));
    await proxy.advance(20);

    assert.deepEqual(first, ["1 100"]);
    assert.deepEqual(client.answers, ["1 100", "1 200"]);
  },
);

simulation(
  "h2: one listener serves both, whatever the pieces that the first bytes come in",
  H2,
  async (proxy) => {
    const old = proxy.client();
    for (const piece of ["PR", "OPFIND / HTTP/1.1\r\n", "Host: a.test\r\n\r\n"]) {
      old.send(piece);
      await proxy.advance(5);
    }
    const client = new SimH2Client(proxy.client());
    for (const byte of Buffer.concat([wire.PREFACE, wire.settings(), headers(1)])) {
      client.send(Buffer.of(byte));
      await proxy.advance(1);
    }
    await proxy.advance(20);

    assert.deepEqual(answersOf(old), ["200"]);
    assert.deepEqual(client.answers, ["1 200"]);
  },
);

simulation(
  "h2: a listener that does not offer it answers the preface as HTTP/1 does",
  {},
  async (proxy) => {
    const client = await proxy.clientWith("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

    assert.deepEqual(answersOf(client), ["505 request_version"]);
  },
);

// What a refused head is told, and that the stream is over.
// biome-ignore format: a table
const REFUSED: readonly (readonly [name: string, pairs: readonly wire.Pair[], wanted: string, reset: string[]])[] = [
  ["a malformed one",        [...GET, ["connection", "close"]],        "1 400 request_malformed",      ["RST_STREAM 1 PROTOCOL_ERROR"]],
  ["two hosts",              [...GET, ["host", "b.test"]],             "1 400 request_host",           ["RST_STREAM 1 PROTOCOL_ERROR"]],
  ["a false length (H2.CL)", [...GET, ["content-length", "1"]],        "1 400 request_framing",        ["RST_STREAM 1 PROTOCOL_ERROR"]],
  ["too many fields (D4)",   [...GET, ...new Array<wire.Pair>(100).fill(["cookie", "a"])], "1 431 request_head_too_large", []],
  ["a path too long",        [...POST.slice(0, 2), [":path", `/${"a".repeat(9_000)}`]], "1 414 request_line_too_long", []],
  ["an unknown expectation", [...GET, ["expect", "more"]],             "1 417 request_expectation",    []],
  ["CONNECT",                [[":method", "CONNECT"], ...GET.slice(3)], "1 501 request_method",        []],
  ["a path with a fragment", [...GET.slice(0, 2), [":path", "/a#b"], [":authority", "a"]], "1 400 request_target", []],
  ["an authority that is none", [...GET.slice(0, 3), [":authority", "a@b"]], "1 400 request_host",     []],
];

for (const [name, pairs, wanted, reset] of REFUSED) {
  simulation(`h2: refuses ${name}, and goes on with the connection`, H2, async (proxy) => {
    const client = await SimH2Client.greet(proxy);

    client.send(headers(1, pairs), headers(3));
    await proxy.advance(20);

    assert.deepEqual(client.answers, [wanted, "3 200"]);
    assert.deepEqual(client.resets, reset);
    assert.equal(proxy.origin.requests.length, 1);
    assert.equal(proxy.ends[0], wanted.split(" ")[2]);
  });
}
