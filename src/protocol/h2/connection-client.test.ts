import assert from "node:assert/strict";
import { test } from "node:test";
import * as wire from "../../../test/support/h2-frames.ts";
import { H2_LIMITS, H2Server } from "../../../test/support/h2-server.ts";
import { HeaderList } from "../http/header-list.ts";
import { Connection } from "./connection.ts";
import type { RequestFields, Stream } from "./stream.ts";

const { ACK, DATA, END_STREAM, frame, GOAWAY, headers, PUSH_PROMISE, SETTINGS, settings, word } =
  wire;
const NO_DROPS = new Uint8Array(256);
const REQUEST: RequestFields = {
  method: "POST",
  scheme: "http",
  authority: "a.test",
  path: "/",
  headers: HeaderList.empty(),
  drop: NO_DROPS,
  more: "X-Request-Id: 7\r\n",
};

/** The client side of the engine, with what came of it. */
class H2Client {
  readonly events: string[] = [];
  readonly connection: Connection;

  constructor() {
    this.connection = new Connection("client", H2_LIMITS, {
      opened: () => this.events.push("opened"),
      ended: (code) => this.events.push(`over ${code}`),
      settingsAcknowledged: () => {},
    });
    this.connection.start();
  }

  ask(body = ""): Stream | undefined {
    const stream = this.connection.open();
    if (stream === undefined) return undefined;
    const { id } = stream;
    stream.taker = {
      head: (section, isLast) => {
        stream.hasHead = !section.status?.startsWith("1");
        this.events.push(`head ${id} ${section.status}${isLast ? " end" : ""}`);
      },
      data: (bytes) => {
        this.events.push(`data ${id} ${bytes.toString("latin1")}`);
        stream.consumed(bytes.length);
      },
      ended: (trailers) => this.events.push(`end ${id} ${trailers?.text ?? ""}`.trimEnd()),
      reset: (code) => this.events.push(`reset ${id} ${code}`),
      moved: () => {},
      sent: () => this.events.push(`sent ${id}`),
    };
    stream.sendRequest(REQUEST, body === "");
    if (body === "") return stream;
    stream.send(Buffer.from(body));
    stream.end(undefined, NO_DROPS);
    return stream;
  }

  /** What it has to send. */
  output(): Buffer {
    this.connection.fill();
    return Buffer.from(this.connection.output.take() ?? "");
  }

  feed(...frames: readonly Buffer[]): void {
    for (const each of frames) this.connection.receive(each, 0);
  }
}

test("Connection, as a client: says the preface, its settings, and asks", () => {
  const server = new H2Server({ body: "hello" });
  const client = new H2Client();

  client.ask("body");
  server.feed(client.output());

  assert.deepEqual(server.events.slice(0, 3), [
    "request 1 POST a.test / chunked",
    "data 1 body",
    "end 1",
  ]);
  assert.equal(server.log.of("HEADERS 1 :status=200").length, 1);
});

test("Connection, as a client: interim heads, the head, data and trailers", () => {
  const client = new H2Client();
  client.ask();

  client.feed(
    settings(),
    headers(1, [[":status", "103"]], 0),
    headers(1, [[":status", "200"]], 0),
    frame(DATA, 0, 1, "hello"),
    headers(1, [["grpc-status", "0"]]),
  );

  assert.deepEqual(client.events, [
    "sent 1",
    "head 1 103",
    "head 1 200",
    "data 1 hello",
    "end 1 grpc-status: 0",
  ]);
  assert.equal(client.connection.table.size, 0);
});

test("Connection, as a client: opens no more streams than the server allows", () => {
  const client = new H2Client();
  client.feed(settings([[3, 1]]));

  const first = client.ask();
  const second = client.ask();
  client.feed(headers(1, [[":status", "204"]], END_STREAM));
  const third = client.ask();

  assert.equal(first?.id, 1);
  assert.equal(second, undefined);
  assert.equal(third?.id, 3);
});

test("Connection, as a client: GOAWAY gives back what was not worked on, and ends the rest well", () => {
  const client = new H2Client();
  client.feed(settings());
  client.ask();
  client.ask();

  client.feed(frame(GOAWAY, 0, 0, Buffer.concat([word(1), word(0)])));
  const refused = client.events.at(-1);
  const more = client.ask();
  client.feed(headers(1, [[":status", "200"]], END_STREAM));

  assert.equal(refused, "reset 3 7");
  assert.equal(more, undefined);
  assert.deepEqual(client.events.slice(-3), ["head 1 200 end", "over 0", "end 1"]);
});

// biome-ignore format: a table
const ERRORS: readonly (readonly [name: string, wanted: string, ...frames: Buffer[]])[] = [
  ["a push, which was refused",       "GOAWAY 0 PROTOCOL_ERROR",     frame(PUSH_PROMISE, 4, 1, Buffer.concat([word(2), wire.block(wire.GET)]))],
  ["a stream of the server's own",    "GOAWAY 0 PROTOCOL_ERROR",     headers(2, [[":status", "200"]])],
  ["a head on a stream nobody opened", "GOAWAY 0 PROTOCOL_ERROR",    headers(5, [[":status", "200"]])],
  ["a head on a stream that is over", "GOAWAY 0 STREAM_CLOSED",      headers(1, [[":status", "200"]]), headers(1, [[":status", "200"]])],
  ["data before the head",            "RST_STREAM 1 PROTOCOL_ERROR", frame(DATA, 0, 1, "x")],
  ["data on a stream nobody opened",  "GOAWAY 0 PROTOCOL_ERROR",     frame(DATA, 0, 7, "x")],
  ["settings after an ACK only",      "",                            frame(SETTINGS, ACK, 0)],
];

for (const [name, wanted, ...frames] of ERRORS) {
  test(`Connection, as a client: ${wanted === "" ? "takes" : "refuses"} ${name}`, () => {
    const client = new H2Client();
    const log = new wire.FrameLog();
    client.feed(settings());
    client.ask();
    log.feed(client.output().subarray(wire.PREFACE.length));

    client.feed(...frames);
    log.feed(client.output());

    const answers = log.lines.filter((line) => /^(?:RST_STREAM|GOAWAY)/.test(line));
    assert.equal(answers[0] ?? "", wanted);
  });
}
