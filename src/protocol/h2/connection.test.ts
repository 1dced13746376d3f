import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import * as wire from "../../../test/support/h2-frames.ts";
import { GET, POST } from "../../../test/support/h2-frames.ts";
import { H2Server } from "../../../test/support/h2-server.ts";

const {
  ACK,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  GOAWAY,
  HEADERS,
  PADDED,
  PING,
  PRIORITY,
  PUSH_PROMISE,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
} = wire;
const { frame, headers, settings, word } = wire;
const open = headers(1, POST, 0);
const data = (id: number, text: string, flags = 0) => frame(DATA, flags, id, text);
const length = (count: number) => headers(1, [...POST, ["content-length", `${count}`]], 0);
const head = wire.block(GET);

// RFC 9113, each with what must answer it: the first reset or the GOAWAY.
// biome-ignore format: a table
const ERRORS: readonly (readonly [name: string, wanted: string, ...frames: Buffer[]])[] = [
  ["DATA on an idle stream",                      "GOAWAY 0 PROTOCOL_ERROR",      data(1, "x")],
  ["DATA before SETTINGS are acknowledged",       "",                             open, data(1, "x")],
  ["DATA behind END_STREAM",                      "RST_STREAM 1 STREAM_CLOSED",   headers(1), data(1, "x")],
  ["HEADERS behind END_STREAM",                   "RST_STREAM 1 STREAM_CLOSED",   headers(1), headers(1)],
  ["DATA behind a reset",                         "GOAWAY 1 STREAM_CLOSED",       open, frame(RST_STREAM, 0, 1, word(8)), data(1, "x")],
  ["HEADERS behind a reset",                      "GOAWAY 1 STREAM_CLOSED",       open, frame(RST_STREAM, 0, 1, word(8)), headers(1)],
  ["WINDOW_UPDATE behind a reset",                "",                             open, frame(RST_STREAM, 0, 1, word(8)), frame(WINDOW_UPDATE, 0, 1, word(9))],
  ["PRIORITY behind a reset",                     "",                             open, frame(RST_STREAM, 0, 1, word(8)), frame(PRIORITY, 0, 1, Buffer.alloc(5))],
  ["RST_STREAM on an idle stream",                "GOAWAY 0 PROTOCOL_ERROR",      frame(RST_STREAM, 0, 1, word(8))],
  ["RST_STREAM on stream 0",                      "GOAWAY 0 PROTOCOL_ERROR",      frame(RST_STREAM, 0, 0, word(8))],
  ["RST_STREAM of three bytes",                   "GOAWAY 1 FRAME_SIZE_ERROR",    open, frame(RST_STREAM, 0, 1, "xxx")],
  ["WINDOW_UPDATE on an idle stream",             "GOAWAY 0 PROTOCOL_ERROR",      frame(WINDOW_UPDATE, 0, 1, word(1))],
  ["WINDOW_UPDATE of nothing",                    "GOAWAY 0 PROTOCOL_ERROR",      frame(WINDOW_UPDATE, 0, 0, word(0))],
  ["WINDOW_UPDATE of nothing on a stream",        "RST_STREAM 1 PROTOCOL_ERROR",  open, frame(WINDOW_UPDATE, 0, 1, word(0))],
  ["WINDOW_UPDATE beyond 2^31-1",                 "GOAWAY 0 FLOW_CONTROL_ERROR",  frame(WINDOW_UPDATE, 0, 0, word(0x7fffffff))],
  ["WINDOW_UPDATE beyond 2^31-1 on a stream",     "RST_STREAM 1 FLOW_CONTROL_ERROR", open, frame(WINDOW_UPDATE, 0, 1, word(0x7fffffff))],
  ["WINDOW_UPDATE of three bytes",                "GOAWAY 0 FRAME_SIZE_ERROR",    frame(WINDOW_UPDATE, 0, 0, "xxx")],
  ["a stream of even number",                     "GOAWAY 0 PROTOCOL_ERROR",      headers(2)],
  ["HEADERS on stream 0",                         "GOAWAY 0 PROTOCOL_ERROR",      headers(0)],
  ["a number lower than the last",                "GOAWAY 5 PROTOCOL_ERROR",      headers(5), headers(3)],
  ["CONTINUATION without HEADERS",                "GOAWAY 0 PROTOCOL_ERROR",      frame(CONTINUATION, END_HEADERS, 1, head)],
  ["CONTINUATION behind END_HEADERS",             "GOAWAY 1 PROTOCOL_ERROR",      open, frame(CONTINUATION, END_HEADERS, 1, head)],
  ["CONTINUATION of another stream",              "GOAWAY 0 PROTOCOL_ERROR",      frame(HEADERS, 0, 1, head), frame(CONTINUATION, END_HEADERS, 3, "")],
  ["DATA between HEADERS and CONTINUATION",       "GOAWAY 1 PROTOCOL_ERROR",      open, frame(HEADERS, 0, 3, head), data(1, "x")],
  ["an unknown frame there",                      "GOAWAY 0 PROTOCOL_ERROR",      frame(HEADERS, 0, 1, head), frame(0xfe, 0, 1, "")],
  ["an unknown frame elsewhere",                  "",                             frame(0xfe, 0xff, 0, "xyz"), open],
  ["CONTINUATION without an end (D2)",            "GOAWAY 0 ENHANCE_YOUR_CALM",   frame(HEADERS, 0, 1, head), ...Array.from({ length: 8 }, () => frame(CONTINUATION, 0, 1, ""))],
  ["as many CONTINUATION as may be",              "",                             frame(HEADERS, 0, 1, head), ...Array.from({ length: 6 }, () => frame(CONTINUATION, 0, 1, "")), frame(CONTINUATION, END_HEADERS, 1, "")],
  ["more than 64 KiB of them",                    "GOAWAY 0 ENHANCE_YOUR_CALM",   frame(HEADERS, 0, 1, head), ...Array.from({ length: 4 }, () => frame(CONTINUATION, 0, 1, Buffer.alloc(16_384)))],
  ["HEADERS of padding alone",                    "GOAWAY 0 PROTOCOL_ERROR",      frame(HEADERS, END_HEADERS | PADDED, 1, Buffer.of(9, 0))],
  ["a block that is no HPACK",                    "GOAWAY 1 COMPRESSION_ERROR",   frame(HEADERS, END_HEADERS, 1, Buffer.of(0x80))],
  ["a block that is no HPACK on a refused stream", "GOAWAY 1 COMPRESSION_ERROR",  headers(1), frame(HEADERS, END_HEADERS, 1, Buffer.of(0x80))],
  ["trailers without END_STREAM",                 "RST_STREAM 1 PROTOCOL_ERROR",  open, headers(1, [["a", "b"]], 0)],
  ["a pseudo-header field in trailers",           "RST_STREAM 1 PROTOCOL_ERROR",  open, headers(1, GET)],
  ["more trailers than the limit",                "RST_STREAM 1 PROTOCOL_ERROR",  open, headers(1, Array.from({ length: 33 }, () => ["a", "b"] as const))],
  ["SETTINGS on a stream",                        "GOAWAY 0 PROTOCOL_ERROR",      frame(SETTINGS, 0, 1)],
  ["SETTINGS of odd length",                      "GOAWAY 0 FRAME_SIZE_ERROR",    frame(SETTINGS, 0, 0, "xxx")],
  ["SETTINGS with ACK that say something",        "GOAWAY 0 FRAME_SIZE_ERROR",    frame(SETTINGS, ACK, 0, "xxxxxx")],
  ["ENABLE_PUSH other than 0 and 1",              "GOAWAY 0 PROTOCOL_ERROR",      settings([[2, 2]])],
  ["INITIAL_WINDOW_SIZE beyond 2^31-1",           "GOAWAY 0 FLOW_CONTROL_ERROR",  settings([[4, 0x80000000]])],
  ["INITIAL_WINDOW_SIZE that overflows a stream", "GOAWAY 1 FLOW_CONTROL_ERROR",  open, frame(WINDOW_UPDATE, 0, 1, word(0x7fff0000)), settings([[4, 0x7fffffff]])],
  ["MAX_FRAME_SIZE below 16 KiB",                 "GOAWAY 0 PROTOCOL_ERROR",      settings([[5, 16_383]])],
  ["MAX_FRAME_SIZE beyond 2^24-1",                "GOAWAY 0 PROTOCOL_ERROR",      settings([[5, 0x1000000]])],
  ["an unknown setting",                          "",                             settings([[0xff, 1]])],
  ["PUSH_PROMISE of a client",                    "GOAWAY 1 PROTOCOL_ERROR",      open, frame(PUSH_PROMISE, END_HEADERS, 1, word(2))],
  ["PING on a stream",                            "GOAWAY 0 PROTOCOL_ERROR",      frame(PING, 0, 1, "12345678")],
  ["PING of seven bytes",                         "GOAWAY 0 FRAME_SIZE_ERROR",    frame(PING, 0, 0, "1234567")],
  ["GOAWAY on a stream",                          "GOAWAY 0 PROTOCOL_ERROR",      frame(GOAWAY, 0, 1, Buffer.alloc(8))],
  ["GOAWAY of seven bytes",                       "GOAWAY 0 FRAME_SIZE_ERROR",    frame(GOAWAY, 0, 0, Buffer.alloc(7))],
  ["PRIORITY on stream 0",                        "GOAWAY 0 PROTOCOL_ERROR",      frame(PRIORITY, 0, 0, Buffer.alloc(5))],
  ["PRIORITY of four bytes",                      "RST_STREAM 1 FRAME_SIZE_ERROR", open, frame(PRIORITY, 0, 1, Buffer.alloc(4))],
  ["PRIORITY on itself",                          "RST_STREAM 1 PROTOCOL_ERROR",  open, frame(PRIORITY, 0, 1, Buffer.of(0, 0, 0, 1, 0))],
  ["less data than Content-Length (H2.CL)",       "RST_STREAM 1 PROTOCOL_ERROR",  length(3), data(1, "xy", END_STREAM)],
  ["more data than Content-Length (H2.CL)",       "RST_STREAM 1 PROTOCOL_ERROR",  length(3), data(1, "wxyz")],
  ["less than Content-Length before trailers",    "RST_STREAM 1 PROTOCOL_ERROR",  length(3), data(1, "xy"), headers(1, [["a", "b"]])],
  ["as much data as Content-Length",              "",                             length(3), data(1, "xy"), data(1, "z", END_STREAM)],
];

for (const [name, wanted, ...frames] of ERRORS) {
  test(`Connection: ${wanted === "" ? "takes" : "refuses"} ${name}`, () => {
    const server = H2Server.greeted();

    server.feed(...frames);

    const answers = server.log.lines.filter((line) => /^(?:RST_STREAM|GOAWAY)/.test(line));
    assert.equal(answers[0] ?? "", wanted);
  });
}

test("Connection: the first frame is SETTINGS, or there is none", () => {
  const server = new H2Server();

  server.feed(wire.PREFACE, headers(1));

  assert.deepEqual(server.log.of("GOAWAY"), ["GOAWAY 0 PROTOCOL_ERROR"]);
  assert.match(server.events.join(), /^over 1/);
});

test("Connection: says its limits first, and what it takes", () => {
  const server = new H2Server();

  server.feed(wire.PREFACE, settings());

  assert.deepEqual(server.log.lines, ["SETTINGS", "WINDOW_UPDATE 0 983041", "SETTINGS ACK"]);
});

test("Connection: a request, its body and its trailers; a response with its own", () => {
  const server = H2Server.greeted();

  server.feed(open, data(1, "he"), data(1, "llo"), headers(1, [["x-sum", "1"]]));
  server.respond(1, "world", { "grpc-status": "0" });

  assert.deepEqual(server.events, [
    "request 1 POST a.test / chunked",
    "data 1 he",
    "data 1 llo",
    "end 1 x-sum: 1",
    "sent 1",
  ]);
  assert.deepEqual(server.log.lines, [
    "HEADERS 1 :status=200 server=x",
    "DATA 1 world",
    "HEADERS 1 END grpc-status=0",
  ]);
});

test("Connection: an answer before the request's end stops the request, and late data is no error", () => {
  const server = H2Server.greeted();
  server.feed(open);

  server.respond(1, "no");
  server.feed(data(1, "late"), headers(1, [["late", "too"]]), headers(3));

  assert.deepEqual(server.log.lines, [
    "HEADERS 1 :status=200 server=x",
    "DATA 1 END no",
    "RST_STREAM 1 NO_ERROR",
  ]);
  assert.equal(server.events.at(-1), "request 3 GET a.test / none");
});

test("Connection: data waits for the stream's window and for the connection's", () => {
  const server = H2Server.greeted({ body: "x".repeat(100_000) });
  const sent = () => server.log.data(1).length;

  server.feed(headers(1));
  const first = sent();
  server.feed(frame(WINDOW_UPDATE, 0, 1, word(100_000)));
  const second = sent();
  server.feed(frame(WINDOW_UPDATE, 0, 0, word(10_000)));
  const third = sent();
  server.feed(frame(WINDOW_UPDATE, 0, 0, word(100_000)));

  assert.deepEqual([first, second, third, sent()], [65_535, 65_535, 75_535, 100_000]);
  assert.equal(server.log.of("DATA 1 END").length, 1);
});

test("Connection: a window that a setting makes smaller than nothing stays shut until it is not", () => {
  const server = H2Server.greeted({ body: "x".repeat(70_000) });
  server.feed(frame(WINDOW_UPDATE, 0, 0, word(1_000_000)), headers(1));

  server.feed(settings([[4, 0]]));
  server.feed(frame(WINDOW_UPDATE, 0, 1, word(65_535)));
  const shut = server.log.data(1).length;
  server.feed(frame(WINDOW_UPDATE, 0, 1, word(10)));

  assert.equal(shut, 65_535);
  assert.equal(server.log.data(1).length, 65_545);
});

test("Connection: streams take turns, a frame each", () => {
  const server = H2Server.greeted({ body: "x".repeat(30_000) });

  server.feed(Buffer.concat([headers(1), headers(3)]));

  const order = server.log.of("DATA").map((line) => line.slice(0, 6).trim());
  assert.deepEqual(order, ["DATA 1", "DATA 3", "DATA 1", "DATA 3"]);
});

test("Connection: windows are credited when data is consumed, and not before", () => {
  const server = H2Server.greeted({ consumes: false });
  const chunk = "x".repeat(16_000);

  server.feed(open, data(1, chunk), data(1, chunk), data(1, chunk), data(1, chunk));
  const before = server.log.of("WINDOW_UPDATE");
  server.streams.get(1)!.consumed(64_000);
  server.flush();

  assert.deepEqual(before, []);
  assert.deepEqual(server.log.of("WINDOW_UPDATE"), ["WINDOW_UPDATE 1 129535"]);
});

test("Connection: data beyond the stream's window resets it, beyond the connection's ends all", () => {
  const server = H2Server.greeted({ consumes: false });
  const chunk = "x".repeat(16_384);

  server.feed(open, ...Array.from({ length: 4 }, () => data(1, chunk)));

  assert.deepEqual(server.log.of("RST_STREAM"), ["RST_STREAM 1 FLOW_CONTROL_ERROR"]);
  assert.equal(server.events.at(-1), "reset 1 3 by us");
});

test("Connection: more data than the connection's window is the end of it", () => {
  const server = H2Server.greeted({ consumes: false });
  const chunk = "x".repeat(16_000);

  for (let id = 1; id < 40 && !server.connection.hasEnded; id += 2) {
    server.feed(headers(id, POST, 0), ...Array.from({ length: 4 }, () => data(id, chunk)));
  }

  assert.equal(server.log.of("GOAWAY").join(), "GOAWAY 33 FLOW_CONTROL_ERROR");
});

test("Connection: padding counts in both windows, and is credited at once", () => {
  const server = H2Server.greeted({ consumes: false });
  const padded = Buffer.concat([Buffer.of(255), Buffer.from("x"), Buffer.alloc(255)]);

  server.feed(open, ...Array.from({ length: 256 }, () => frame(DATA, PADDED, 1, padded)));

  assert.deepEqual(server.log.of("RST_STREAM"), []);
  assert.equal(server.log.of("WINDOW_UPDATE 1").length > 0, true);
});

test("Connection: more streams than it offered are refused, and their fields still count", () => {
  const server = H2Server.greeted({ limits: { streamsMax: 2 } });
  const indexed = Buffer.concat([wire.block(GET), Buffer.from("4003782d610131", "hex")]);
  const again = Buffer.concat([wire.block(GET), Buffer.of(0xbe)]);

  server.feed(headers(1), headers(3), frame(HEADERS, END_HEADERS | END_STREAM, 5, indexed));
  server.respond(1, "");
  server.feed(frame(HEADERS, END_HEADERS | END_STREAM, 7, again));

  assert.deepEqual(server.log.of("RST_STREAM"), ["RST_STREAM 5 REFUSED_STREAM"]);
  assert.equal(server.events.at(-1), "request 7 GET a.test / none");
  assert.equal(server.streams.get(7)!.isOver, false);
});

test("Connection: drains in two steps, and serves what came between them", () => {
  const server = H2Server.greeted();
  server.feed(headers(1));

  server.connection.drain();
  server.feed(headers(3), frame(PING, ACK, 0, "draining"), headers(5));
  server.respond(1, "a");
  const before = server.events.at(-1);
  server.respond(3, "b");

  assert.deepEqual(server.log.of("GOAWAY"), ["GOAWAY 2147483647 NO_ERROR", "GOAWAY 3 NO_ERROR"]);
  assert.deepEqual(server.log.of("RST_STREAM"), []);
  assert.equal(server.streams.has(5), false);
  assert.equal(before, "sent 1");
  assert.equal(server.events.includes("over 0"), true);
});

test("Connection: a client that has had its number of streams is drained", () => {
  const server = H2Server.greeted({ limits: { streamsPerConnection: 2 }, body: "" });

  server.feed(headers(1));
  const before = server.log.of("GOAWAY").length;
  server.feed(headers(5));

  assert.equal(before, 0);
  assert.deepEqual(server.log.of("GOAWAY"), ["GOAWAY 2147483647 NO_ERROR"]);
});

// SECURITY D1, D3, D5: what costs us and does nothing for the peer.
// biome-ignore format: a table
const FLOODS: readonly (readonly [name: string, atMost: number, next: (turn: number) => Buffer])[] = [
  ["rapid reset (D1)",               210, (turn) => Buffer.concat([headers(2 * turn + 1), frame(RST_STREAM, 0, 2 * turn + 1, word(8))])],
  ["made you reset by window (D3)",  110, (turn) => Buffer.concat([headers(2 * turn + 1, POST, 0), frame(WINDOW_UPDATE, 0, 2 * turn + 1, word(0))])],
  ["made you reset by data (D3)",    110, (turn) => Buffer.concat([headers(2 * turn + 1), data(2 * turn + 1, "x")])],
  ["made you reset by length (D3)",  110, (turn) => Buffer.concat([headers(2 * turn + 1, [...POST, ["content-length", "0"]], 0), data(2 * turn + 1, "x")])],
  ["SETTINGS (D5)",                  210, () => settings()],
  ["PING (D5)",                      510, () => frame(PING, 0, 0, "12345678")],
  ["PRIORITY (D5)",                 1010, () => frame(PRIORITY, 0, 1, Buffer.alloc(5))],
  ["empty DATA (D5)",                110, (turn) => (turn === 0 ? open : data(1, ""))],
  ["padding without data (D5)",      110, (turn) => (turn === 0 ? open : frame(DATA, PADDED, 1, Buffer.alloc(1)))],
  ["WINDOW_UPDATE (D5)",            1010, () => frame(WINDOW_UPDATE, 0, 0, word(1))],
  ["unknown frames (D5)",           1010, () => frame(0xfe, 0, 0, "")],
  ["streams beyond the limit",       310, (turn) => headers(2 * turn + 1)],
];

for (const [name, atMost, next] of FLOODS) {
  test(`Connection: a flood ends the connection: ${name}`, () => {
    const server = H2Server.greeted();

    let turns = 0;
    while (!server.connection.hasEnded && turns <= atMost) server.feed(next(turns++));

    assert.equal(server.log.of("GOAWAY").length, 1);
    assert.match(server.log.lines.at(-1)!, /ENHANCE_YOUR_CALM$/);
  });
}

test("Connection: the same at a peer's own pace, or beside work that gets done, is no flood", () => {
  const slow = H2Server.greeted();
  for (let turn = 0; turn < 2_000; turn++) {
    slow.nowMs += 50;
    slow.feed(frame(PING, 0, 0, "12345678"));
  }
  const busy = H2Server.greeted({ body: "x".repeat(1_000) });
  for (let turn = 0; turn < 2_000; turn++) {
    const id = 4 * turn + 1;
    const updates = [frame(WINDOW_UPDATE, 0, 0, word(1_000)), frame(PING, 0, 0, "12345678")];
    busy.feed(
      headers(id),
      ...updates,
      headers(id + 2, POST, 0),
      frame(RST_STREAM, 0, id + 2, word(8)),
    );
  }

  assert.equal(slow.connection.hasEnded, false);
  assert.equal(busy.connection.hasEnded, false);
});

test("Connection: a peer that asks and does not read is cut", () => {
  const server = H2Server.greeted({ body: "x" });
  for (let id = 1; !server.connection.hasEnded && id < 200_001; id += 2) {
    server.connection.receive(headers(id), 0); // and nothing is flushed
  }

  assert.match(server.events.at(-1)!, /^over 11/);
  assert.ok(server.connection.output.length < 2 * 1024 * 1024);
});

const SAMPLE = Buffer.concat([
  wire.PREFACE,
  settings([[4, 100]]),
  frame(SETTINGS, ACK, 0),
  length(3),
  data(1, "xyz", END_STREAM),
  frame(HEADERS, END_STREAM, 3, head.subarray(0, 7)),
  frame(CONTINUATION, 0, 3, head.subarray(7, 20)),
  frame(CONTINUATION, END_HEADERS, 3, head.subarray(20)),
  headers(5, POST, 0),
  frame(DATA, PADDED, 5, Buffer.of(2, 0x61, 0x62, 0, 0)),
  headers(5, [["x-sum", "1"]]),
  frame(WINDOW_UPDATE, 0, 3, word(100)),
  frame(PING, 0, 0, "12345678"),
  headers(7, POST, 0),
  frame(RST_STREAM, 0, 7, word(8)),
]);

/** What happened; data that came in pieces put together. */
function outcome(pieces: readonly Buffer[]): unknown {
  const server = new H2Server({ body: "y".repeat(250) });
  server.feed(...pieces);
  const events = server.events.join("\n").replace(/(\ndata (\d+) .*)(?:\ndata \2 (.*))/g, "$1$3");
  return [events.replace(/\ndata 1 x\ndata 1 yz/, "\ndata 1 xyz"), server.log.lines];
}

test("Connection: the same stream, split anywhere, has the same outcome", () => {
  const whole = outcome([SAMPLE]);

  for (let at = 0; at < SAMPLE.length; at++) {
    assert.deepEqual(outcome([SAMPLE.subarray(0, at), SAMPLE.subarray(at)]), whole, `at ${at}`);
  }
});

test("Connection: no bytes throw, and what was held is let go", () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 40 }).map((each) => Buffer.from(each)),
    fc
      .tuple(fc.nat(10), fc.nat(255), fc.nat(9), fc.uint8Array({ maxLength: 30 }))
      .map(([kind, flags, id, payload]) => frame(kind, flags, id, payload)),
    fc.constantFrom(open, headers(3), headers(5, POST, 0), data(1, "x"), data(5, "y", END_STREAM)),
  );

  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const server = H2Server.greeted({ body: "hello" });
      server.feed(...pieces);
      if (server.connection.hasEnded) assert.equal(server.connection.table.size, 0);
    }),
    { numRuns: 1_000 },
  );
});
