/** An endpoint that means harm, or cannot do better, in HTTP/2 (SECURITY S5, S10, D1 to D5). */
import assert from "node:assert/strict";
import * as wire from "../support/h2-frames.ts";
import { type SimH2Connection, SimH2Origin } from "../support/sim-h2-origin.ts";
import { answersOf, GET, type SimProxy, simulation } from "../support/sim-proxy.ts";

const { CONTINUATION, DATA, END_HEADERS, END_STREAM, frame, HEADERS, headers, word } = wire;
const OK: readonly wire.Pair[] = [[":status", "200"]];
const times = (count: number, bytes: Buffer) => Buffer.concat(new Array<Buffer>(count).fill(bytes));

/** Answers the first request with these bytes, and shows what became of it. */
function attack(
  name: string,
  bytes: (id: number) => Buffer,
  see: (answer: string[], connection: SimH2Connection, proxy: SimProxy) => void,
): void {
  const options = { endpoint: { scheme: "h2c" } } as const;
  simulation(`H2Upstream, attacked: ${name}`, options, async (proxy) => {
    const origin = new SimH2Origin(proxy, {
      answer: (connection, id) => connection.send(bytes(id)),
    });
    const client = await proxy.clientWith(GET);
    await proxy.advance(2_000);

    see(answersOf(client), origin.connections[0]!, proxy);
    assert.ok(proxy.pendingBytes < 1024 * 1024);
  });
}

// --- floods: the connection is given up, and what was on it is answered for -----------------------

const FLOODS: readonly (readonly [name: string, bytes: Buffer])[] = [
  ["SETTINGS", times(400, wire.settings())],
  ["PING", times(1_000, frame(wire.PING, 0, 0, "12345678"))],
  ["PRIORITY", times(2_000, frame(wire.PRIORITY, 0, 1, Buffer.alloc(5)))],
  ["WINDOW_UPDATE", times(2_000, frame(wire.WINDOW_UPDATE, 0, 0, word(1)))],
  ["frames of no known type", times(2_000, frame(0xfa, 0, 0, "x"))],
  ["empty DATA", Buffer.concat([headers(1, OK, 0), times(200, frame(DATA, 0, 1))])],
];

for (const [name, bytes] of FLOODS) {
  attack(
    `a flood of ${name}`,
    () => bytes,
    (answer, connection) => {
      assert.deepEqual(connection.log.of("GOAWAY"), ["GOAWAY 0 ENHANCE_YOUR_CALM"]);
      assert.match(answer[0] ?? "cut", /^(?:502 response_malformed|cut)$/);
      assert.ok(connection.peer.hasFinished || connection.peer.isClosed);
    },
  );
}

attack(
  "a storm of GOAWAY",
  () => times(1_000, frame(wire.GOAWAY, 0, 0, Buffer.concat([word(99), word(0)]))),
  (answer, connection) => {
    assert.deepEqual(answer, ["502 response_malformed"]);
    assert.deepEqual(connection.log.of("GOAWAY"), ["GOAWAY 0 ENHANCE_YOUR_CALM"]);
  },
);

attack(
  "CONTINUATION without an end",
  () =>
    Buffer.concat([
      frame(HEADERS, 0, 1, wire.block(OK)),
      times(100, frame(CONTINUATION, 0, 1, wire.block([["a", "b"]]))),
    ]),
  (answer, connection) => {
    assert.deepEqual(answer, ["502 response_malformed"]);
    assert.deepEqual(connection.log.of("GOAWAY"), ["GOAWAY 0 ENHANCE_YOUR_CALM"]);
  },
);

// --- heads: the stream is reset, and the connection goes on ----------------------------------------

const many = Array.from({ length: 300 }, (_, index): wire.Pair => [`x-${index}`, "1"]);
const large: readonly wire.Pair[] = Array.from({ length: 5 }, (_, at) => [
  `x-${at}`,
  "y".repeat(15_000),
]);
// One entry of the table by an index of one byte, a thousand times over.
const bomb = Buffer.concat([
  Buffer.of(0x88, 0x40, 3),
  Buffer.from("x-b"),
  Buffer.of(127, 0x81, 0x1e),
  Buffer.alloc(127 + 0x1 + (0x1e << 7), "z"),
  Buffer.alloc(1_000, 0xbe),
]);

// biome-ignore format: a table
const HEADS: readonly (readonly [name: string, fault: string, block: Buffer])[] = [
  ["more fields than there may be",       "response_head_too_large", wire.block([...OK, ...many])],
  ["a bomb of indexed fields",            "response_head_too_large", bomb],
  ["no status",                           "response_malformed",      wire.block([["a", "b"]])],
  ["two statuses",                        "response_malformed",      wire.block([...OK, ...OK])],
  ["a status of letters",                 "response_malformed",      wire.block([[":status", "2oo"]])],
  ["a status of four digits",             "response_malformed",      wire.block([[":status", "2000"]])],
  ["a status of 099",                     "response_malformed",      wire.block([[":status", "099"]])],
  ["a switch of protocols",               "response_malformed",      wire.block([[":status", "101"]])],
  ["a request's pseudo-header field",     "response_malformed",      wire.block([...OK, [":path", "/"]])],
  ["a status behind other fields",        "response_malformed",      wire.block([["a", "b"], ...OK])],
  ["a line end in a value",               "response_malformed",      wire.block([...OK, ["a", "b\r\nset-cookie: c=d"]])],
  ["a line end in a name",                "response_malformed",      wire.block([...OK, ["a\r\nb", "c"]])],
  ["a NUL in a value",                    "response_malformed",      wire.block([...OK, ["a", "b\0c"]])],
  ["a name in upper case",                "response_malformed",      wire.block([...OK, ["X-Upper", "1"]])],
  ["a name with a colon",                 "response_malformed",      wire.block([...OK, ["a:b", "1"]])],
  ["Connection",                          "response_malformed",      wire.block([...OK, ["connection", "close"]])],
  ["Transfer-Encoding (H2.TE)",           "response_malformed",      wire.block([...OK, ["transfer-encoding", "chunked"]])],
  ["two lengths",                         "response_framing",        wire.block([...OK, ["content-length", "1"], ["content-length", "1"]])],
  ["a list of lengths",                   "response_framing",        wire.block([...OK, ["content-length", "1, 1"]])],
  ["a length with a sign (H2.CL)",        "response_framing",        wire.block([...OK, ["content-length", "+1"]])],
  ["a length and no data",                "response_framing",        wire.block([...OK, ["content-length", "1"]])],
];

for (const [name, fault, block] of HEADS) {
  const bytes = (id: number) => frame(HEADERS, END_STREAM | END_HEADERS, id, block);
  attack(`a head with ${name}`, bytes, (answer, connection) => {
    assert.deepEqual(answer, [`502 ${fault}`]);
    assert.equal(connection.log.of("GOAWAY").length, 0, `${connection.log.of("GOAWAY")}`);
  });
}

attack(
  "a head larger than there may be",
  () =>
    Buffer.concat([
      frame(HEADERS, 0, 1, wire.block([...OK, ...large.slice(0, 1)])),
      ...large.slice(1, 4).map((pair) => frame(CONTINUATION, 0, 1, wire.block([pair]))),
      frame(CONTINUATION, END_HEADERS, 1, wire.block(large.slice(4))),
    ]),
  (answer) => assert.match(answer[0] ?? "", /^502 response_(?:head_too_large|malformed)$/),
);

attack(
  "interim answers without an end",
  (id) => times(100, headers(id, [[":status", "103"]], 0)),
  (answer) => {
    assert.equal(answer.at(-1), "502 response_interim");
  },
);

// --- bodies ------------------------------------------------------------------------------------------

// biome-ignore format: a table
const BODIES: readonly (readonly [name: string, fault: string, bytes: Buffer])[] = [
  ["more than its length",        "response_body_malformed", Buffer.concat([headers(1, [...OK, ["content-length", "3"]], 0), frame(DATA, END_STREAM, 1, "abcd")])],
  ["less than its length",        "response_body_malformed", Buffer.concat([headers(1, [...OK, ["content-length", "3"]], 0), frame(DATA, END_STREAM, 1, "ab")])],
  ["malformed trailers",          "response_body_malformed", Buffer.concat([headers(1, OK, 0), frame(DATA, 0, 1, "x"), headers(1, [["A", "b"]])])],
  ["a status among trailers",     "response_body_malformed", Buffer.concat([headers(1, OK, 0), frame(DATA, 0, 1, "x"), headers(1, OK)])],
  ["a second head",               "response_body_malformed", Buffer.concat([headers(1, OK, 0), frame(DATA, 0, 1, "x"), headers(1, OK, 0)])],
  ["more than its window",        "response_body_malformed", Buffer.concat([headers(1, OK, 0), times(200, frame(DATA, 0, 1, "x".repeat(16_000)))])],
  ["a reset in the middle",       "response_truncated",      Buffer.concat([headers(1, OK, 0), frame(DATA, 0, 1, "x"), frame(wire.RST_STREAM, 0, 1, word(8))])],
  ["a frame larger than allowed", "response_body_malformed", Buffer.concat([headers(1, OK, 0), frame(DATA, 0, 1, "x".repeat(20_000))])],
];

for (const [name, fault, bytes] of BODIES) {
  simulation(
    `H2Upstream, attacked: a body with ${name} is cut`,
    { endpoint: { scheme: "h2c" } },
    async (proxy) => {
      new SimH2Origin(proxy, { answer: (connection) => connection.send(bytes) });
      const client = proxy.client();
      client.pause(); // so that windows fill
      client.send(GET);
      await proxy.advance(500);
      client.resume();
      await proxy.advance(500);

      assert.deepEqual(proxy.ends, [fault]);
      assert.doesNotMatch(client.text, /\r\n0\r\n\r\n$/);
    },
  );
}

attack(
  "data before a head",
  (id) => frame(DATA, END_STREAM, id, "x"),
  (answer) => assert.deepEqual(answer, ["502 response_malformed"]),
);
attack(
  "a body to 204",
  (id) => Buffer.concat([headers(id, [[":status", "204"]], 0), frame(DATA, END_STREAM, id, "x")]),
  (_answer, _connection, proxy) => assert.deepEqual(proxy.ends, ["response_body_malformed"]),
);
attack(
  "a push",
  () => frame(wire.PUSH_PROMISE, END_HEADERS, 1, Buffer.concat([word(2), wire.block(wire.GET)])),
  (answer, connection) => {
    assert.deepEqual(answer, ["502 response_malformed"]);
    assert.deepEqual(connection.log.of("GOAWAY"), ["GOAWAY 0 PROTOCOL_ERROR"]);
  },
);
attack(
  "an answer in HTTP/1",
  () => Buffer.from("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
  (answer) => assert.deepEqual(answer, ["502 response_malformed"]),
);
attack(
  "an answer on a stream that nobody opened",
  () => headers(77, OK),
  (answer, connection) => {
    assert.deepEqual(answer, ["502 response_malformed"]);
    assert.deepEqual(connection.log.of("GOAWAY"), ["GOAWAY 0 PROTOCOL_ERROR"]);
  },
);

simulation(
  "H2Upstream, attacked: resets of every stream cost one connection after the other, and nothing grows",
  { endpoint: { scheme: "h2c" } },
  async (proxy) => {
    const origin = new SimH2Origin(proxy, { answer: (connection, id) => connection.reset(id, 2) });
    for (let count = 0; count < 300; count++) {
      const client = await proxy.clientWith(GET);
      assert.match(answersOf(client)[0] ?? "", /^502 /);
      client.close();
    }
    assert.ok(origin.connections.length < 30);
  },
);

// --- cut and split everywhere -------------------------------------------------------------------------

const WHOLE = Buffer.concat([
  wire.settings([[3, 100]]),
  frame(wire.SETTINGS, wire.ACK, 0),
  headers(1, [...OK, ["x-a", "b"]], 0),
  frame(DATA, 0, 1, "hello "),
  frame(DATA, 0, 1, "world"),
  headers(1, [["x-sum", "11"]]),
]);

for (const how of ["close", "reset"] as const) {
  simulation(
    `H2Upstream, attacked: a ${how} at every byte of an answer is told, and never taken for its end`,
    { endpoint: { scheme: "h2c" }, retry: { attempts: 1 } },
    async (proxy) => {
      const origin = new SimH2Origin(proxy, { isSilent: true });
      for (let at = 0; at < WHOLE.length; at++) {
        origin.options = {
          isSilent: true,
          answer: (connection) => {
            connection.send(WHOLE.subarray(0, at));
            proxy.world.clock.after(1, () => connection.peer[how]());
          },
        };
        const client = await proxy.clientWith(GET);
        await proxy.advance(5);
        const end = proxy.ends.at(-1);
        assert.ok(end !== "served", `cut at ${at}`);
        assert.doesNotMatch(client.text, /\r\n0\r\n/);
        client.close();
        await proxy.advance(5);
      }
      assert.equal(proxy.ends.length, WHOLE.length);
    },
  );
}

simulation(
  "H2Upstream: an answer that comes byte by byte is the same",
  { endpoint: { scheme: "h2c" } },
  async (proxy) => {
    const origin = new SimH2Origin(proxy, { isSilent: true });
    const client = await proxy.clientWith(GET);
    for (const byte of WHOLE) {
      origin.last.send(Buffer.of(byte));
      await proxy.advance(1);
    }
    await proxy.advance(5);

    assert.match(client.text, /\r\nx-a: b\r\n[\s\S]*\r\n0\r\nx-sum: 11\r\n\r\n$/);
    const [, body = ""] = client.text.split(/\r\n\r\n/);
    assert.equal(body.replace(/1\r\n(.)\r\n/g, "$1"), "hello world0\r\nx-sum: 11");
  },
);
