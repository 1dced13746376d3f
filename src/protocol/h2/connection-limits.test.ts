/** The numbers of a connection that can be set: the last that passes, and the first that does not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as wire from "../../../test/support/h2-frames.ts";
import { H2_LIMITS, H2Server } from "../../../test/support/h2-server.ts";

const { CONTINUATION, DATA, END_HEADERS, END_STREAM, frame, HEADERS, headers } = wire;
const { POST, RST_STREAM, word } = wire;
const FRAME_BYTES = 16_384;
const data = (id: number, bytes: number) => frame(DATA, 0, id, Buffer.alloc(bytes));

/** Opens a stream, sends as its window allows, and answers with the widest that it ever was. */
function widest(streamWindowBytes: number): number {
  const server = H2Server.greeted({ limits: { streamWindowBytes } });
  server.feed(headers(1, POST, 0));
  let window = 65_535;
  let most = window;
  for (let sent = 0; sent < 64 * streamWindowBytes; sent += FRAME_BYTES) {
    server.log.lines.length = 0;
    server.feed(data(1, FRAME_BYTES));
    window -= FRAME_BYTES;
    for (const line of server.log.of("WINDOW_UPDATE 1 ")) window += Number(line.split(" ")[2]);
    most = Math.max(most, window);
  }
  return most;
}

test("Connection: a stream's window grows to its limit and no further", () => {
  for (const bytes of [65_536, 100_000, 512 * 1024, 1024 * 1024]) {
    const most = widest(bytes);

    assert.ok(most <= bytes && most > bytes / 2, `${most} of ${bytes}`);
  }
});

test("Connection: what is not taken fills the connection's window, and a byte more is an error", () => {
  const connectionWindowBytes = 5 * FRAME_BYTES;
  const server = H2Server.greeted({ limits: { connectionWindowBytes }, consumes: false });
  server.feed(headers(1, POST, 0), headers(3, POST, 0));

  for (const id of [1, 3, 1, 3, 1]) server.feed(data(id, FRAME_BYTES));
  const before = server.log.of("GOAWAY");
  server.feed(data(3, 1));

  assert.deepEqual(before, []);
  assert.deepEqual(server.log.of("GOAWAY"), ["GOAWAY 3 FLOW_CONTROL_ERROR"]);
});

test("Connection: one stream more than there may be is refused", () => {
  const server = H2Server.greeted({ limits: { streamsMax: 3 } });

  server.feed(headers(1), headers(3), headers(5), headers(7));

  assert.deepEqual(server.log.of("RST_STREAM"), ["RST_STREAM 7 REFUSED_STREAM"]);
});

test("Connection: with many streams allowed, frames on all that we reset are late and no mistake", () => {
  const streamsMax = 2_000;
  const server = H2Server.greeted({ limits: { streamsMax, floodPoints: 1_000_000 } });
  const ids = Array.from({ length: streamsMax }, (_, index) => 2 * index + 1);
  for (const id of ids) server.feed(headers(id, POST, 0));
  for (const id of ids) server.streams.get(id)!.reset(8);
  server.flush();

  for (const id of ids) server.feed(data(id, 1));

  assert.deepEqual(server.log.of("GOAWAY"), []);
});

test("Connection: so many points, and not one more; a twentieth of them comes back each second", () => {
  for (const floodPoints of [100, 1_000]) {
    const resets = floodPoints / 5;
    const server = H2Server.greeted({ limits: { floodPoints } });
    const reset = (number: number) => {
      const id = 2 * number + 1;
      server.feed(headers(id), frame(RST_STREAM, 0, id, word(8)));
    };
    for (let number = 0; number < resets - 1; number++) reset(number); // SETTINGS have cost as much
    const before = server.log.of("GOAWAY").length;
    server.nowMs += 1_000;
    for (let number = resets; number < resets + resets / 20; number++) reset(number);
    const later = server.log.of("GOAWAY").length;
    reset(resets * 2);

    assert.deepEqual([before, later], [0, 0]);
    assert.match(server.log.lines.at(-1)!, /^GOAWAY \d+ ENHANCE_YOUR_CALM$/);
  }
});

test("Connection: a field block may be as large as the fields may be", () => {
  const fieldBytes = 200 * 1024;
  const value = "v".repeat(16_000);
  const pairs: wire.Pair[] = Array.from({ length: 12 }, (_, index) => [`x-${index}`, value]);
  const block = wire.block([...wire.GET, ...pairs]);
  const frames = [frame(HEADERS, END_STREAM, 1, block.subarray(0, FRAME_BYTES))];
  for (let at = FRAME_BYTES; at < block.length; at += FRAME_BYTES) {
    const isLast = at + FRAME_BYTES >= block.length;
    const piece = block.subarray(at, at + FRAME_BYTES);
    frames.push(frame(CONTINUATION, isLast ? END_HEADERS : 0, 1, piece));
  }
  const small = H2Server.greeted();
  const large = H2Server.greeted({ limits: { head: { ...H2_LIMITS.head, fieldBytes } } });

  small.feed(...frames);
  large.feed(...frames);

  assert.match(small.log.lines.at(-1)!, /ENHANCE_YOUR_CALM$/);
  assert.deepEqual(large.events, ["request 1 GET a.test / none"]);
});
