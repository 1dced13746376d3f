/**
 * Requests at a fixed rate, whatever the answers take:
 *
 *     node bench/parts/paced-load.ts PORT TARGET ACCEPT-ENCODING RATE CONNECTIONS SECONDS
 *
 * Prints one line of JSON. Where no connection is free a request waits, and its time counts from when it
 * was due: who is slow cannot slow down those who measure it.
 */
import { connect, type Socket } from "node:net";

export interface PacedResult {
  readonly count: number;
  readonly late: number; // of them, that had to wait for a connection
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
}

const TICK_MS = 1;
const HEAD_END = Buffer.from("\r\n\r\n");

type Done = (client: Client, tookMs: number, isSound: boolean) => void;

/** One kept connection, with one request at a time. */
class Client {
  readonly #socket: Socket;
  readonly #request: string;
  readonly #done: Done;
  #dueMs = 0;
  #head = "";
  #left = 0; // bytes of the body; −1: in chunks
  #tail = "";

  constructor(port: number, request: string, done: Done) {
    this.#request = request;
    this.#done = done;
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.#socket.on("data", (bytes: Buffer) => this.#came(bytes));
    this.#socket.on("error", () => {});
    this.#socket.on("close", () => this.done(false));
  }

  ask(dueMs: number): void {
    this.#dueMs = dueMs;
    this.#head = "";
    this.#socket.write(this.#request);
  }

  close(): void {
    this.#socket.destroy();
  }

  done(isSound: boolean): void {
    if (this.#dueMs === 0) return;
    const tookMs = performance.now() - this.#dueMs;
    this.#dueMs = 0;
    this.#done(this, tookMs, isSound);
  }

  #came(bytes: Buffer): void {
    let body: Buffer = bytes;
    if (this.#head === "") {
      const end = bytes.indexOf(HEAD_END);
      if (end < 0) throw new Error("the head came in parts");
      this.#head = bytes.toString("latin1", 0, end).toLowerCase();
      const length = /\ncontent-length: ([0-9]+)/.exec(this.#head)?.[1];
      this.#left = length === undefined ? -1 : Number(length);
      this.#tail = "";
      body = bytes.subarray(end + HEAD_END.length);
    }
    if (this.#left >= 0) {
      this.#left -= body.length;
      if (this.#left <= 0) this.done(this.#head.startsWith("http/1.1 200"));
      return;
    }
    this.#tail = (this.#tail + body.toString("latin1", Math.max(0, body.length - 7))).slice(-7);
    if (this.#tail.endsWith("\r\n0\r\n\r\n")) this.done(this.#head.startsWith("http/1.1 200"));
  }
}

async function main([port, target, accept, rate, connections, seconds]: readonly string[]) {
  const fields = accept === "-" ? "" : `Accept-Encoding: ${accept}\r\n`;
  const request = `GET ${target} HTTP/1.1\r\nHost: bench.test\r\nAccept: */*\r\n${fields}\r\n`;
  const tookMs: number[] = [];
  const waiting: number[] = [];
  let late = 0;
  let failed = 0;
  const done = (client: Client, ms: number, isSound: boolean) => {
    if (isSound) tookMs.push(ms);
    else failed++;
    const dueMs = waiting.shift();
    if (!isSound) return;
    if (dueMs === undefined) free.push(client);
    else client.ask(dueMs);
  };
  const all = Array.from({ length: Number(connections) }, () => {
    return new Client(Number(port), request, done);
  });
  const free = [...all];
  const beganMs = performance.now();
  const endMs = beganMs + Number(seconds) * 1000;
  let asked = 0;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const nowMs = performance.now();
      const due = Math.floor(((Math.min(nowMs, endMs) - beganMs) / 1000) * Number(rate));
      for (; asked < due; asked++) {
        const client = free.shift();
        if (client !== undefined) {
          client.ask(nowMs);
          continue;
        }
        late++;
        waiting.push(nowMs);
      }
      if (nowMs < endMs + 500) return;
      clearInterval(timer);
      resolve();
    }, TICK_MS);
  });
  for (const client of all) client.close();
  tookMs.sort((a, b) => a - b);
  const at = (share: number) =>
    tookMs[Math.min(tookMs.length - 1, Math.floor(tookMs.length * share))];
  const times = { p50Ms: at(0.5), p99Ms: at(0.99), p999Ms: at(0.999) };
  console.log(JSON.stringify({ count: tookMs.length, late, failed, ...times }));
}

await main(process.argv.slice(2));
