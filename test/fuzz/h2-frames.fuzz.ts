/** Bytes of HTTP/2 as they are and in pieces: nothing throws, and the pieces make no difference. */

import * as wire from "../support/h2-frames.ts";
import { GET, POST } from "../support/h2-frames.ts";
import { H2Server } from "../support/h2-server.ts";
import { REQUEST_LIMITS } from "../support/parse.ts";
import type { Seeded } from "../support/seeded.ts";
import type { FuzzRun, FuzzTarget } from "./target.ts";

const { ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, frame, HEADERS, headers, PADDED } = wire;
const { PING, PRIORITY, RST_STREAM, SETTINGS, settings, WINDOW_UPDATE, word } = wire;
const head = wire.block(GET);

const SEEDS: readonly Buffer[][] = [
  [headers(1), headers(3), headers(5)],
  [headers(1, POST, 0), frame(DATA, 0, 1, "hello"), frame(DATA, END_STREAM, 1, "x")],
  [headers(1, [...POST, ["content-length", "3"]], 0), frame(DATA, END_STREAM, 1, "abc")],
  [headers(1, POST, 0), frame(DATA, PADDED, 1, "\x03abc\0\0\0"), headers(1, [["x-sum", "1"]])],
  [
    frame(HEADERS, END_STREAM, 1, head.subarray(0, 9)),
    frame(CONTINUATION, 0, 1, head.subarray(9, 20)),
    frame(CONTINUATION, END_HEADERS, 1, head.subarray(20)),
  ],
  [settings([[4, 10]]), headers(1), frame(WINDOW_UPDATE, 0, 1, word(5)), frame(SETTINGS, ACK, 0)],
  [headers(1, POST, 0), frame(RST_STREAM, 0, 1, word(8)), frame(PING, 0, 0, "12345678")],
  [frame(PRIORITY, 0, 3, Buffer.alloc(5)), frame(0xfe, 0, 0, "unknown"), headers(3)],
  [
    frame(
      HEADERS,
      END_STREAM | END_HEADERS,
      1,
      Buffer.from("828684418cf1e3c2e5f23a6ba0ab90f4ff", "hex"),
    ),
  ],
];

export const target: FuzzTarget = {
  about: "frames: nothing throws, and the same bytes in other pieces have the same outcome",
  seeds: SEEDS.map((frames) => Buffer.concat(frames).toString("latin1")),
  async open() {
    return new FramesRun();
  },
};

class FramesRun implements FuzzRun {
  readonly #ends = new Map<string, number>();

  async judge(input: string, random: Seeded): Promise<string | undefined> {
    const bytes = Buffer.from(input, "latin1");
    const whole = outcome([bytes]);
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length; ) {
      const end = at + 1 + random.below(random.chance(4) ? 3 : 60);
      pieces.push(bytes.subarray(at, end));
      at = end;
    }
    const end = /GOAWAY \d+ \w+/.exec(whole)?.[0].replace(/ \d+/, "") ?? "goes on";
    this.#ends.set(end, (this.#ends.get(end) ?? 0) + 1);
    const inPieces = outcome(pieces);
    return whole === inPieces ? undefined : `whole: ${whole}\n  in pieces: ${inPieces}`;
  }

  summary(): string {
    return [...this.#ends].map(([end, count]) => `${end} ${count}`).join(", ");
  }

  async close(): Promise<void> {}
}

/** What came of it: requests, bodies, and the frames that went back. */
function outcome(pieces: readonly Buffer[]): string {
  const server = H2Server.greeted({ body: "hello", limits: { head: REQUEST_LIMITS } });
  server.feed(...pieces);
  const bodies = new Map<string, string>();
  const events: string[] = [];
  for (const event of server.events) {
    const [kind = "", id = "", ...rest] = event.split(" ");
    // A broken frame of data may have brought some of it before it was seen to be broken.
    if (kind === "data") bodies.set(id, (bodies.get(id) ?? "") + rest.join(" "));
    else if (kind === "end") events.push(`${event} ${bodies.get(id) ?? ""}`);
    else events.push(event);
  }
  return JSON.stringify([events, server.log.lines]);
}
