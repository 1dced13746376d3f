/** Who hears that data has been framed may give more, end its stream, and have it all framed at once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as wire from "../../../test/support/h2-frames.ts";
import { H2_LIMITS, H2Server } from "../../../test/support/h2-server.ts";
import { HeaderList } from "../http/header-list.ts";
import { Connection } from "./connection.ts";
import type { Stream, StreamTaker } from "./stream.ts";

const NO_DROPS = new Uint8Array(256);
const WINDOW_BYTES = 65_535;
const { headers, settings } = wire;

/** Hears of nothing but what has moved. */
function movedTaker(moved: (left: number) => void): StreamTaker {
  return {
    ...{ head() {}, data() {}, ended() {}, reset() {}, sent() {} },
    moved: (_count, left) => moved(left),
  };
}

test("Connection: what is framed while data is framed counts against the connection's window", () => {
  const server = H2Server.greeted();
  server.feed(settings([[4, 0x7fffffff]]), headers(1), headers(3), headers(5));
  const piece = Buffer.alloc(10_000, "x");
  for (const stream of server.streams.values()) {
    stream.sendResponse(200, undefined, NO_DROPS, undefined, false);
    stream.taker = movedTaker(() => {
      if (server.log.lines.length > 1_000) return;
      stream.send(piece);
      server.connection.fill();
    });
    stream.send(piece);
  }

  server.flush();

  const sent = [1, 3, 5].reduce((sum, id) => sum + server.log.data(id).length, 0);
  assert.equal(sent, WINDOW_BYTES);
});

function clientStream(): { readonly connection: Connection; readonly stream: Stream } {
  const connection = new Connection("client", H2_LIMITS, {
    ...{ opened() {}, ended() {}, settingsAcknowledged() {} },
  });
  connection.start();
  connection.receive(settings(), 0);
  const stream = connection.open()!;
  const request = { method: "POST", scheme: "http", authority: "a", path: "/", more: "" } as const;
  stream.sendRequest({ ...request, headers: HeaderList.empty(), drop: NO_DROPS }, false);
  return { connection, stream };
}

function framesOf(connection: Connection): string[] {
  const log = new wire.FrameLog();
  const bytes = connection.output.take()!;
  log.feed(bytes.subarray(wire.PREFACE.length));
  return [...log.of("DATA"), ...log.of("HEADERS")].filter((line) => !line.includes(":method"));
}

test("Stream: ended by who hears that the last of it was framed, it ends once", () => {
  const { connection, stream } = clientStream();
  stream.taker = movedTaker(() => stream.end(undefined, NO_DROPS));
  stream.send(Buffer.from("all"));

  connection.fill();

  assert.deepEqual(framesOf(connection), ["DATA 1 all", "DATA 1 END "]);
});

test("Stream: ended so with trailers, they come once", () => {
  const { connection, stream } = clientStream();
  stream.taker = movedTaker(() => stream.end(HeaderList.of({ "x-sum": "3" }), NO_DROPS));
  stream.send(Buffer.from("all"));

  connection.fill();

  assert.deepEqual(framesOf(connection), ["DATA 1 all", "HEADERS 1 END x-sum=3"]);
});

test("Stream: given more and ended so, it ends behind that", () => {
  const { connection, stream } = clientStream();
  let isFirst = true;
  stream.taker = movedTaker(() => {
    if (!isFirst) return;
    isFirst = false;
    stream.send(Buffer.from("more"));
    stream.end(undefined, NO_DROPS);
    connection.fill();
  });
  stream.send(Buffer.from("some"));

  connection.fill();

  assert.deepEqual(framesOf(connection), ["DATA 1 some", "DATA 1 END more"]);
});
