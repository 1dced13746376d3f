import * as wire from "./h2-frames.ts";
import type { SimOrigin, SimOriginConnection } from "./sim-origin.ts";
import type { SimProxy } from "./sim-proxy.ts";

const PREFACE_BYTES = wire.PREFACE.length;

export interface H2OriginOptions {
  readonly settings?: readonly (readonly [id: number, value: number])[];
  /** Does something with a request whose head has come; without it nobody answers. */
  readonly answer?: ((connection: SimH2Connection, id: number, head: string) => void) | undefined;
  readonly isSilent?: boolean; // not even SETTINGS
}

/** Lets a simulated origin speak HTTP/2 frame by frame, right or wrong. */
export class SimH2Origin {
  readonly connections: SimH2Connection[] = [];
  readonly origin: SimOrigin;
  options: H2OriginOptions;

  constructor(proxy: SimProxy, options: H2OriginOptions = {}, at = 0) {
    this.origin = proxy.origins[at]!;
    this.options = options;
    this.origin.onConnection = (connection) => {
      connection.isReading = false;
      this.connections.push(new SimH2Connection(connection, () => this.options));
    };
  }

  get last(): SimH2Connection {
    const connection = this.connections.at(-1);
    if (connection === undefined) throw new Error("nobody has connected");
    return connection;
  }

  /** The request heads that came, on all connections: "1 GET /". */
  get requests(): string[] {
    return this.connections.flatMap(({ requests }) => requests);
  }
}

export class SimH2Connection {
  readonly peer: SimOriginConnection;
  readonly log = new wire.FrameLog();
  readonly requests: string[] = [];
  readonly #options: () => H2OriginOptions;
  #seen = 0;
  #text = "";

  constructor(peer: SimOriginConnection, options: () => H2OriginOptions) {
    this.peer = peer;
    this.#options = options;
    peer.wire.on("data", (bytes) => this.#came(Buffer.from(bytes)));
    const { settings, isSilent } = options();
    if (isSilent !== true) {
      this.send(wire.settings(settings), wire.frame(wire.SETTINGS, wire.ACK, 0));
    }
  }

  send(...frames: readonly Uint8Array[]): void {
    for (const frame of frames) this.peer.sendBytes(frame);
  }

  /** A whole answer. */
  respond(id: number, body = "ok", ...more: readonly wire.Pair[]): void {
    this.send(wire.headers(id, [[":status", "200"], ...more], body === "" ? wire.END_STREAM : 0));
    if (body !== "") this.send(wire.frame(wire.DATA, wire.END_STREAM, id, body));
  }

  reset(id: number, code: number): void {
    this.send(wire.frame(wire.RST_STREAM, 0, id, wire.word(code)));
  }

  goAway(lastId: number, code = 0): void {
    const payload = Buffer.concat([wire.word(lastId), wire.word(code)]);
    this.send(wire.frame(wire.GOAWAY, 0, 0, payload));
  }

  #came(bytes: Buffer): void {
    if (this.#text.length < PREFACE_BYTES) {
      const missing = PREFACE_BYTES - this.#text.length;
      this.#text += bytes.toString("latin1", 0, missing);
      this.log.feed(bytes.subarray(missing));
    } else this.log.feed(bytes);
    for (; this.#seen < this.log.lines.length; this.#seen++)
      this.#read(this.log.lines[this.#seen]!);
  }

  #read(line: string): void {
    const [, digits, method, path] =
      /^HEADERS (\d+) .*?:method=(\S+) .*?:path=(\S+)/.exec(line) ?? [];
    if (digits === undefined) return;
    this.requests.push(`${digits} ${method} ${path}`);
    this.#options().answer?.(this, Number(digits), line);
  }
}
