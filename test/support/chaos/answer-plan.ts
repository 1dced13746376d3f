import { Seeded } from "../seeded.ts";
import type { Leaving, RequestPlan } from "./chaos-plan.ts";
import { ACCEPT, bodyOf, chunked } from "./chaos-text.ts";

/** What an origin does when it is asked for this request for this time. */
export interface AnswerPlan {
  readonly text: string; // all that it sends, framing and all
  readonly meant: Meant | undefined; // what a client may get of it; undefined: nothing
  readonly interims: string; // before it
  readonly isEarly: boolean; // it does not wait for the body
  readonly delayMs: number;
  readonly pieces: number;
  readonly pauseMs: number;
  readonly continues: boolean; // says 100 to an expectation
  /** It breaks off after so many bytes of the text; "stall" goes on as if nothing were. */
  readonly breaks: { readonly at: number; readonly how: Leaving | "stall" } | undefined;
  readonly closesAfterMs: number | undefined; // after a whole answer
}

export interface Meant {
  readonly status: number;
  readonly body: string;
  readonly trailer: string | undefined;
  readonly textBytes: number; // how much of the text that takes
  readonly endsByFin: boolean; // and that takes a FIN, too
}

type Shape = "length" | "chunked" | "close" | "bodiless";

const BODY_BYTES = [0, 1, 20, 300, 300, 3_000, 3_000, 17_000, 40_000, 100_000];
const HOWS: readonly (Leaving | "stall")[] = ["finish", "close", "reset", "stall"];
const ONE_SEGMENT_BYTES = 1_000;
const PAUSE_MS = 2_500; // longer than the proxy waits
const EVIL = "HTTP/1.1 200 OK\r\nX-Meant: evil\r\nContent-Length: 4\r\n\r\nevil";

/** Follows from these alone, so that leaving something else out of a run changes no answer. */
export function answerPlan(seed: number, request: RequestPlan, asking: number): AnswerPlan {
  const random = new Seeded(Math.imul(seed, 1_000_003) + request.number * 31 + asking * 7_919);
  const name = `${request.number}.${asking}`;
  const isSocket = request.kind === "socket";
  const { text, meant, hasClosed } = isSocket
    ? switched(random, name)
    : random.chance(12)
      ? garbage(random, request, name)
      : response(random, request, name);
  const breaks =
    random.chance(6) && !hasClosed
      ? { at: random.below(text.length), how: random.of(HOWS) }
      : undefined;
  const pauseMs = random.of([0, 1, 30, random.chance(12) ? PAUSE_MS : 2]);
  return {
    text,
    meant,
    interims: random.chance(8) && !isSocket ? interims(random, request) : "",
    isEarly: random.chance(8) && request.framing !== "none",
    delayMs: random.of([0, 0, 0, 1, 15, 200, random.chance(10) ? 3_000 : 2]),
    pieces: text.endsWith(EVIL) ? 1 : random.of([1, 1, 2, pauseMs === PAUSE_MS ? 2 : 6]),
    pauseMs,
    continues: random.chance(2),
    breaks: withClose(breaks, hasClosed, text, random),
    closesAfterMs: random.chance(6) ? random.of([0, 1, 20, 300]) : undefined,
  };
}

interface Said {
  readonly text: string;
  readonly meant: Meant | undefined;
  readonly hasClosed: boolean; // its end is that of the connection
}

/** A body up to the close ends with FIN, or is broken by a reset and then is not whole. */
function withClose(
  breaks: AnswerPlan["breaks"],
  hasClosed: boolean,
  text: string,
  random: Seeded,
): AnswerPlan["breaks"] {
  if (!hasClosed) return breaks;
  const how = random.of(["finish", "finish", "close", "reset"] as const);
  return { at: how === "reset" ? random.below(text.length) : text.length, how };
}

function response(random: Seeded, request: RequestPlan, name: string): Said {
  const shape = random.of<Shape>(["length", "length", "chunked", "chunked", "close", "bodiless"]);
  const status = shape === "bodiless" ? random.of([204, 304]) : random.of([200, 200, 404, 503]);
  const isBodiless = shape === "bodiless" || request.method === "HEAD";
  const body = bodyOf(`r${name}`, random.of(BODY_BYTES));
  const head = [`HTTP/1.1 ${status} Said`, `X-Meant: ${name}`];
  if (shape === "length") head.push(`Content-Length: ${body.length}`);
  if (shape === "chunked") head.push("Transfer-Encoding: chunked");
  if (random.chance(10)) head.push("Connection: close");
  if (random.chance(10)) head.push("Keep-Alive: timeout=2");
  const hasTrailer = shape === "chunked" && random.chance(3);
  const trailer = hasTrailer ? `sum ${body.length}` : undefined;
  const trailers = hasTrailer ? `X-Trailer: ${trailer}\r\n` : "";
  const rest =
    shape === "chunked" ? chunked(body, random.of([7_000, 100_000, 900]), trailers) : body;
  const text = `${head.join("\r\n")}\r\n\r\n${isBodiless ? "" : rest}`;
  const hasClosed = shape === "close" && !isBodiless;
  const what = isBodiless ? { body: "", trailer: undefined } : { body, trailer };
  // What comes behind an answer that is over must not become anybody's; what comes later than that
  // is an answer to whatever was asked next, and no proxy can tell.
  const isOne = shape !== "close" && text.length < ONE_SEGMENT_BYTES;
  const excess = isOne && random.chance(15) ? EVIL : "";
  return {
    text: text + excess,
    meant: { status, ...what, textBytes: text.length, endsByFin: hasClosed },
    hasClosed,
  };
}

function switched(random: Seeded, name: string): Said {
  const accept = random.chance(8) ? "wrong" : ACCEPT;
  const head = ["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket"];
  head.push(`Sec-WebSocket-Accept: ${accept}`, `X-Meant: ${name}`);
  const text = `${head.join("\r\n")}\r\n\r\n`;
  const more = { body: "", trailer: undefined, textBytes: text.length, endsByFin: false };
  return {
    text,
    meant: accept === ACCEPT ? { status: 101, ...more } : undefined,
    hasClosed: false,
  };
}

function garbage(random: Seeded, request: RequestPlan, name: string): Said {
  const head = `HTTP/1.1 200 OK\r\nX-Meant: ${name}\r\n`;
  const inBody = [
    `${head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\nworld\r\n0\r\n\r\n`,
    `${head}Transfer-Encoding: chunked\r\n\r\n5\r\nhelloworld\r\n0\r\n\r\n`,
  ];
  const text = random.of([
    ...(request.method === "HEAD" ? [] : inBody), // of which it has none
    "\x00\x01\x02\xff\xfe garbage\r\n\r\n",
    "HTTP/1.1 20 OK\r\n\r\n",
    "SSH-2.0-OpenSSH_9.2\r\n",
    `${head}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc`,
    `${head}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
    `${head}Content-Length: -1\r\n\r\n`,
    `${head}X-Long: ${"y".repeat(70_000)}\r\n\r\n`,
    `${head} folded\r\n\r\n`,
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(9),
  ]);
  return { text, meant: undefined, hasClosed: false };
}

function interims(random: Seeded, request: RequestPlan): string {
  const hint = `HTTP/1.1 103 Early Hints\r\nLink: </${request.number}>\r\n\r\n`;
  return hint.repeat(1 + random.below(3));
}
