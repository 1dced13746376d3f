/** The server side of the HTTP/2 engine alone: frames in, a list of what happened and frames out. */
import { LIMITS } from "../../src/core/limits.ts";
import {
  Connection,
  type ConnectionLimits,
  type ConnectionTaker,
} from "../../src/protocol/h2/connection.ts";
import type { FieldSection } from "../../src/protocol/h2/field-section.ts";
import { readRequest } from "../../src/protocol/h2/request-head.ts";
import type { Stream, StreamTaker } from "../../src/protocol/h2/stream.ts";
import { HeaderList } from "../../src/protocol/http/header-list.ts";
import { FrameLog, PREFACE, settings } from "./h2-frames.ts";

export const H2_LIMITS: ConnectionLimits = {
  streamsMax: 100,
  streamsPerConnection: 10_000,
  head: { fieldBytes: LIMITS.headerBytes, fieldCount: LIMITS.headerCount },
  trailers: { fieldBytes: LIMITS.trailerBytes, fieldCount: LIMITS.trailerCount },
};

const NO_DROPS = new Uint8Array(256);

export interface H2ServerOptions {
  readonly limits?: Partial<ConnectionLimits>;
  /** Answer a request at its end with this; undefined: the test answers. */
  readonly body?: string | undefined;
  readonly consumes?: boolean;
}

/** Starts with the preface and the client's SETTINGS behind it. */
export class H2Server implements ConnectionTaker {
  readonly connection: Connection;
  readonly log = new FrameLog();
  readonly events: string[] = [];
  readonly streams = new Map<number, Stream>();
  readonly #options: H2ServerOptions;
  nowMs = 0;

  constructor(options: H2ServerOptions = {}) {
    this.#options = options;
    this.connection = new Connection("server", { ...H2_LIMITS, ...options.limits }, this);
    this.connection.start();
  }

  static greeted(options: H2ServerOptions = {}): H2Server {
    const server = new H2Server(options);
    server.feed(PREFACE, settings());
    server.log.lines.length = 0;
    return server;
  }

  feed(...pieces: readonly Buffer[]): void {
    for (const piece of pieces) this.connection.receive(piece, this.nowMs);
    this.flush();
  }

  flush(): void {
    for (;;) {
      this.connection.fill();
      const bytes = this.connection.output.take();
      if (bytes === undefined) return;
      this.log.feed(bytes);
      this.connection.output.giveBack();
    }
  }

  opened(stream: Stream, section: FieldSection, isLast: boolean): void {
    const facts = readRequest(section, isLast, LIMITS.requestLineBytes);
    this.streams.set(stream.id, stream);
    stream.taker = this.#taker(stream);
    if ("refused" in facts) {
      this.events.push(`refused ${stream.id} ${facts.refused}`);
      stream.reset(1);
      return;
    }
    const { method, host, target, framing } = facts;
    if (framing.kind === "length") stream.bytesLeft = framing.bytes;
    this.events.push(`request ${stream.id} ${method} ${host} ${target} ${framing.kind}`);
    if (isLast) this.#answer(stream);
  }

  #taker(stream: Stream): StreamTaker {
    const { id } = stream;
    return {
      head: () => {},
      data: (bytes) => {
        this.events.push(`data ${id} ${bytes.toString("latin1")}`);
        if (this.#options.consumes !== false) stream.consumed(bytes.length);
      },
      ended: (trailers) => {
        this.events.push(`end ${id} ${trailers?.text ?? ""}`.trimEnd());
        this.#answer(stream);
      },
      reset: (code, _why, byPeer) => {
        this.events.push(`reset ${id} ${code} ${byPeer ? "by peer" : "by us"}`);
      },
      moved: () => {},
      sent: () => this.events.push(`sent ${id}`),
    };
  }

  #answer(stream: Stream): void {
    const { body } = this.#options;
    if (body === undefined) return;
    stream.sendResponse(200, undefined, NO_DROPS, undefined, body === "");
    stream.send(Buffer.from(body));
    stream.end(undefined, NO_DROPS);
  }

  respond(id: number, body: string, trailers?: Record<string, string>): void {
    const stream = this.streams.get(id)!;
    stream.sendResponse(200, HeaderList.of({ Server: "x" }), NO_DROPS, undefined, false);
    stream.send(Buffer.from(body));
    stream.end(trailers && HeaderList.of(trailers), NO_DROPS);
    this.flush();
  }

  ended(errorCode: number, why: string): void {
    this.events.push(`over ${errorCode} ${why}`.trimEnd());
  }

  settingsAcknowledged(): void {
    this.events.push("settings acknowledged");
  }
}
