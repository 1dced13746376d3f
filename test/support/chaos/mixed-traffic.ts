import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { pause } from "../deadline.ts";
import { readResponse, statusOf } from "../message.ts";
import { Seeded } from "../seeded.ts";
import type { RequestPlan } from "./chaos-plan.ts";
import { requestHead } from "./chaos-text.ts";
import { bodyAt } from "./moody-origin.ts";

const TIMEOUT_MS = 15_000;
const BYTES = [0, 10, 1_000, 1_001, 20_000, 200_001, 1_000_000];
const MAY_SAY = new Set([200, 502, 503, 504]);

/**
 * Real clients of every kind, each doing one thing after the other until they are stopped: kept
 * connections, uploads, pipelines, WebSockets, readers that take their time, and some that leave.
 */
export class MixedTraffic {
  readonly complaints: string[] = [];
  readonly counts = new Map<string, number>();
  readonly #port: number;
  readonly #random: Seeded;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #acts: readonly (() => Promise<void>)[];
  #clients: Promise<void>[] = [];
  #isStopping = false;
  #names = 0;

  constructor(port: number, seed: number) {
    this.#port = port;
    this.#random = new Seeded(seed);
    const often = [() => this.#get(), () => this.#get(), () => this.#get(), () => this.#upload()];
    const seldom = [() => this.#pipeline(), () => this.#talk(), () => this.#leave()];
    this.#acts = [...often, ...often, ...seldom, () => this.#readSlowly()];
  }

  start(count: number): void {
    this.#clients = Array.from({ length: count }, () => this.#live());
  }

  /** Lets everybody finish what they are at. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#clients);
    this.#agent.destroy();
  }

  async #live(): Promise<void> {
    while (!this.#isStopping) {
      await this.#random.of(this.#acts)();
      await pause(this.#random.below(20));
    }
  }

  #path(): string {
    return `/n${this.#names++}/${this.#random.of(BYTES)}`;
  }

  #count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  // --- with node:http, as an application would ------------------------------------------------

  async #get(): Promise<void> {
    const path = this.#path();
    await this.#ask("GET", path, [], bodyAt(path));
  }

  async #upload(): Promise<void> {
    const bytes = this.#random.of(BYTES);
    const pieces = this.#random.of([1, 2, 5]);
    const piece = Buffer.alloc(Math.ceil(bytes / pieces), "u");
    const sent = Array.from({ length: pieces }, () => piece);
    await this.#ask("POST", "/upload", sent, `got ${piece.length * pieces}`);
  }

  async #ask(method: string, path: string, pieces: readonly Buffer[], want: string): Promise<void> {
    const request = httpRequest({
      agent: this.#agent,
      host: "127.0.0.1",
      port: this.#port,
      method,
      path,
      timeout: TIMEOUT_MS,
    });
    let isAnswered = false;
    const outcome = new Promise<string>((resolve) => {
      request.on("response", (response) => {
        isAnswered = true;
        void readAll(response).then((text) => {
          resolve(text === undefined ? "cut" : this.#judge(response.statusCode ?? 0, text, want));
        });
      });
      request.on("timeout", () => {
        this.complaints.push(`${method} ${path}: no answer within ${TIMEOUT_MS} ms`);
        request.destroy();
      });
      request.on("error", ({ message }) => {
        if (!isAnswered) resolve(message);
      });
    });
    for (const piece of pieces) {
      request.write(piece);
      if (pieces.length > 1) await pause(this.#random.below(10));
    }
    request.end();
    this.#count(`${method}: ${await outcome}`);
  }

  #judge(status: number, text: string, want: string): string {
    if (!MAY_SAY.has(status)) this.complaints.push(`status ${status}: ${text.slice(0, 100)}`);
    if (status === 200 && text !== want) this.complaints.push(`another body than ${want}`);
    const [, code = ""] = /^\d{3} [^:]+: (\w+) \(request /.exec(text) ?? [];
    return `${status} ${code}`.trim();
  }

  // --- with bare sockets -----------------------------------------------------------------------

  async #connect(): Promise<Socket | undefined> {
    const socket = connect({ port: this.#port, host: "127.0.0.1", noDelay: true });
    socket.setEncoding("latin1");
    socket.setTimeout(TIMEOUT_MS, () => {
      this.complaints.push(`a connection that stood still for ${TIMEOUT_MS} ms`);
      socket.destroy();
    });
    socket.on("error", () => socket.destroy());
    await new Promise((resolve) => socket.once("connect", resolve).once("close", resolve));
    if (!socket.destroyed) return socket;
    this.complaints.push("a connection was refused");
    return undefined;
  }

  async #pipeline(): Promise<void> {
    const socket = await this.#connect();
    if (socket === undefined) return;
    const paths = Array.from({ length: 1 + this.#random.below(5) }, () => this.#path());
    const closed = ended(socket);
    let text = "";
    socket.on("data", (part: string) => {
      text += part;
      for (;;) {
        const response = text === "" ? undefined : readResponse(text, 0, "GET", false);
        if (response === undefined) break;
        text = text.slice(response.end);
        const status = statusOf(response.startLine);
        this.#count(
          `pipelined: ${this.#judge(status, response.body, bodyAt(paths.shift() ?? ""))}`,
        );
      }
      if (paths.length === 0) socket.destroy();
    });
    socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`).join(""));
    await closed;
  }

  async #talk(): Promise<void> {
    const socket = await this.#connect();
    if (socket === undefined) return;
    const closed = ended(socket);
    let heard = "";
    socket.on("data", (part: string) => {
      heard += part;
    });
    socket.write(requestHead(SOCKET));
    const words = "what is said comes back";
    for (let round = 0; round < 20 && !socket.destroyed; round++) {
      await pause(this.#random.below(60));
      if (!heard.startsWith("HTTP/1.1 101")) continue;
      socket.write(words);
    }
    const rest = heard.slice(heard.indexOf("\r\n\r\n") + 4);
    if (heard.startsWith("HTTP/1.1 101")) {
      this.#count("socket");
      if (!words.repeat(20).startsWith(rest)) this.complaints.push(`a socket echoed ${rest}`);
    }
    socket.destroy();
    await closed;
  }

  /** Goes in the middle of something. */
  async #leave(): Promise<void> {
    const socket = await this.#connect();
    if (socket === undefined) return;
    const closed = ended(socket);
    const text = this.#random.chance(2)
      ? `POST /upload HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100000\r\n\r\n${"x".repeat(5_000)}`
      : `GET ${this.#path()} HTTP/1.1\r\nHost: a.test\r\n\r\n`;
    socket.resume();
    socket.write(text.slice(0, this.#random.below(text.length)));
    await pause(this.#random.below(40));
    this.#count("left");
    if (this.#random.chance(2)) socket.resetAndDestroy();
    else socket.destroy();
    await closed;
  }

  async #readSlowly(): Promise<void> {
    const socket = await this.#connect();
    if (socket === undefined) return;
    const closed = ended(socket);
    socket.write(`GET /slow/1000000 HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n`);
    let bytes = 0;
    socket.on("data", (part: string) => {
      bytes += part.length;
      if (!this.#random.chance(4)) return;
      socket.pause();
      setTimeout(() => socket.resume(), this.#random.below(30));
    });
    await closed;
    this.#count(bytes > 1_000_000 ? "read slowly" : "cut while it read slowly");
  }
}

const SOCKET: RequestPlan = {
  number: 1,
  kind: "socket",
  method: "GET",
  route: "plain",
  minorVersion: 1,
  framing: "none",
  bodyBytes: 0,
  expects: false,
  takesTrailers: false,
  closes: false,
  pieces: 1,
  pauseMs: 0,
};

function ended(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => socket.once("close", resolve));
}

/** The whole body, or nothing if it was cut. */
async function readAll(response: IncomingMessage): Promise<string | undefined> {
  response.setEncoding("latin1");
  let text = "";
  try {
    for await (const part of response) text += part;
    return text;
  } catch {
    return undefined;
  }
}
