import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { pause } from "./deadline.ts";
import { type FieldLine, readHead, readRequest } from "./message.ts";
import { parseScript, type Script, type Step } from "./script.ts";

/** One request as it came over the wire. `complete` turns true when its last byte is there. */
export interface Received {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly fields: readonly FieldLine[];
  readonly head: string; // as it came, with the empty line
  readonly connection: OriginConnection;
  body: string;
  trailers: readonly FieldLine[];
  framing: "none" | "length" | "chunked" | "close" | undefined;
  complete: boolean;
}

/**
 * A script, one per request in order (the last one repeats), or a function that makes it once the
 * whole request is there.
 */
export type Answer = string | readonly string[] | ((request: Received) => string | Promise<string>);

/** A server of raw bytes on a real socket. It does as scripted, right or wrong. */
export class Origin {
  readonly received: Received[] = [];
  readonly connections: OriginConnection[] = [];
  readonly port: number;
  readonly url: string;
  readonly #server: Server;
  readonly #answer: Answer;

  private constructor(server: Server, answer: Answer, host: string) {
    this.#server = server;
    this.#answer = answer;
    this.port = (server.address() as AddressInfo).port;
    this.url = `http://${host}:${this.port}`;
    server.on("connection", (socket) => this.#accept(socket));
  }

  static async open(answer: Answer, host = "127.0.0.1", port = 0): Promise<Origin> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    server.listen(port, host);
    await once(server, "listening");
    return new Origin(server, answer, host);
  }

  get open(): readonly OriginConnection[] {
    return this.connections.filter((each) => !each.socket.destroyed);
  }

  /** The requests whose every byte arrived. */
  get completed(): readonly Received[] {
    return this.received.filter((each) => each.complete);
  }

  /** Takes no more connections; those there are go on. */
  refuse(): void {
    this.#server.close();
  }

  async close(): Promise<void> {
    for (const each of this.connections) each.socket.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, "close");
  }

  #accept(socket: Socket): void {
    const connection = new OriginConnection(socket, (request) => this.#scriptFor(request));
    this.connections.push(connection);
    connection.onRequest = (request) => this.received.push(request);
    if (typeof this.#answer !== "string") return;
    const script = parseScript(this.#answer);
    if (script.start === "connect") connection.run(script.steps);
  }

  async #scriptFor(request: Received): Promise<Script> {
    const answer = this.#answer;
    if (typeof answer === "function") {
      await request.connection.whole(request);
      return parseScript(await answer(request));
    }
    if (typeof answer === "string") return parseScript(answer);
    const number = this.received.indexOf(request);
    return parseScript(answer[Math.min(number, answer.length - 1)]!);
  }
}

/** One accepted connection: reads requests one after the other and plays the script of each. */
export class OriginConnection {
  readonly socket: Socket;
  text = ""; // everything that arrived, latin1
  raw = ""; // what arrived after <raw>
  ended = false; // the peer sent FIN
  wasReset = false; // the peer sent RST
  pipelined = false; // a request began before the answer to the one before it was done
  malformed: string | undefined; // why our reader could not read what arrived
  onRequest: (request: Received) => void = () => {};
  readonly gone: Promise<void>; // the peer has closed, one way or the other
  readonly #scriptFor: (request: Received) => Promise<Script>;
  #at = 0;
  #current: Received | undefined;
  #rawFrom: number | undefined;
  #onBody: () => void = () => {};

  constructor(socket: Socket, scriptFor: (request: Received) => Promise<Script>) {
    this.socket = socket;
    this.#scriptFor = scriptFor;
    this.gone = new Promise((resolve) => {
      socket.once("end", resolve);
      socket.once("close", resolve);
    });
    socket.on("data", (bytes) => this.#read(bytes.toString("latin1")));
    socket.on("end", () => {
      this.ended = true;
      if (this.#current === undefined || this.#rawFrom !== undefined) socket.end();
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNRESET") this.wasReset = true;
    });
  }

  #read(text: string): void {
    this.text += text;
    if (this.#rawFrom !== undefined) this.raw = this.text.slice(this.#rawFrom);
    else this.#advance();
  }

  #advance(): void {
    try {
      if (this.#current === undefined) this.#begin();
      if (this.#current !== undefined && !this.#current.complete) this.#finish(this.#current);
      const over = this.#current?.complete === true && this.text.length > this.#at;
      if (over && this.#rawFrom === undefined) this.pipelined = true;
    } catch (error) {
      this.malformed = (error as Error).message;
      this.socket.destroy();
    }
  }

  #begin(): void {
    const head = readHead(this.text, this.#at);
    if (head === undefined) return;
    const [method = "", target = "", version = ""] = head.startLine.split(" ");
    const request: Received = {
      method,
      target,
      version,
      fields: head.fields,
      head: this.text.slice(this.#at, head.end),
      connection: this,
      body: "",
      trailers: [],
      framing: undefined,
      complete: false,
    };
    this.#current = request;
    this.onRequest(request);
    void this.#play(request);
  }

  #finish(request: Received): void {
    const whole = readRequest(this.text, this.#at);
    if (whole === undefined) return;
    request.body = whole.body;
    request.trailers = whole.trailers;
    request.framing = whole.framing;
    request.complete = true;
    this.#at = whole.end;
    this.#onBody();
  }

  async #play(request: Received): Promise<void> {
    const script = await this.#scriptFor(request);
    if (script.start === "connect") return;
    if (script.start === "end") await this.whole(request);
    if (!(await this.run(script.steps))) return;
    await this.whole(request);
    this.#current = undefined;
    this.#advance();
    if (this.ended) this.socket.end();
  }

  /** Once the request's last byte is there. */
  whole(request: Received): Promise<void> {
    if (request.complete) return Promise.resolve();
    return new Promise((resolve) => {
      const before = this.#onBody;
      this.#onBody = () => {
        before();
        resolve();
      };
    });
  }

  /** Plays the steps; false if the connection has no next request after them. */
  async run(steps: readonly Step[]): Promise<boolean> {
    for (const step of steps) {
      if (this.socket.destroyed) return false;
      if (step.kind === "bytes") this.socket.write(step.bytes);
      else if (step.kind === "wait") await pause(step.waitMs);
      else if (step.kind === "body" && this.#current !== undefined) await this.whole(this.#current);
      else if (step.kind === "deaf") this.socket.pause();
      else if (step.kind === "half close") this.socket.end();
      else if (step.kind === "stall") return false;
      else if (step.kind === "raw") this.#rawFrom = this.#at;
      else if (step.kind === "hang up") this.socket.destroySoon();
      else if (step.kind === "reset") this.socket.resetAndDestroy();
      if (step.kind === "hang up" || step.kind === "reset") return false;
    }
    if (this.#rawFrom !== undefined) this.raw = this.text.slice(this.#rawFrom);
    return this.#rawFrom === undefined;
  }
}
