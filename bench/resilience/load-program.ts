/**
 * A client at a fixed rate, in a process of its own: it asks on time whether or not answers come, on
 * kept connections, and tries nothing twice. Talks with its parent in messages.
 */
import { Agent, type ClientRequest, request as httpRequest } from "node:http";
import { connect, type Socket } from "node:net";
import { answerTo } from "./origin-answer.ts";

/** What the parent says, and gets an answer to. */
export type LoadOrder =
  | {
      readonly order: "start";
      readonly port: number;
      readonly rate: number;
      readonly postEvery: number;
      readonly freshEvery?: number; // so many requests share connections, the next has its own
      readonly from?: string; // another address of this machine
    }
  | { readonly order: "sockets"; readonly port: number; readonly count: number }
  | { readonly order: "mark" } // counts begin here
  | { readonly order: "report" } // what came of those that are over
  | { readonly order: "stop" }; // ends when everything that was asked is over

export interface LoadReport {
  readonly sent: number;
  readonly failed: Readonly<Record<string, number>>; // by method and kind
  readonly latenciesMs: readonly number[]; // of what was served: the median, the 99th percentile, the most
  readonly socketsOpened: number;
  readonly socketsClosed: number;
  readonly echoes: number;
}

const TICK_MS = 5;
const TIMEOUT_MS = 10_000;
const ECHO_EVERY_MS = 500;

const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
let freshEvery = 0;
let from: string | undefined;
let timer: NodeJS.Timeout | undefined;
let asked = 0;
let open = 0; // asked and not over
let sent = 0;
let failed: Record<string, number> = {};
let latenciesMs: number[] = [];
let socketsOpened = 0;
let socketsClosed = 0;
let echoes = 0;
let isStopping = false;
const sockets: Socket[] = [];

process.on("message", (message: LoadOrder) => {
  void obey(message).then((answer) => process.send?.(answer));
});

async function obey(message: LoadOrder): Promise<LoadReport | "done"> {
  switch (message.order) {
    case "start":
      freshEvery = message.freshEvery ?? 0;
      from = message.from;
      start(message.port, message.rate, message.postEvery);
      return "done";
    case "sockets":
      for (let count = 0; count < message.count; count++) await openSocket(message.port);
      return "done";
    case "mark":
      sent = 0;
      failed = {};
      latenciesMs = [];
      socketsClosed = 0;
      echoes = 0;
      return "done";
    case "report":
      return report();
    case "stop":
      return await stop();
  }
}

// --- requests ---------------------------------------------------------------------------------

function start(port: number, rate: number, postEvery: number): void {
  const beganMs = performance.now();
  let due = 0;
  timer = setInterval(() => {
    const wanted = ((performance.now() - beganMs) * rate) / 1000;
    for (; due < wanted; due++) {
      ask(port, postEvery > 0 && due % postEvery === 0 ? "POST" : "GET");
    }
  }, TICK_MS);
}

function ask(port: number, method: "GET" | "POST"): void {
  const path = `/r/${asked++}`;
  const beganMs = performance.now();
  open++;
  sent++;
  let isOver = false;
  const over = (kind: string | undefined) => {
    if (isOver) return;
    isOver = true;
    open--;
    if (kind === undefined) latenciesMs.push(performance.now() - beganMs);
    else failed[`${method} ${kind}`] = (failed[`${method} ${kind}`] ?? 0) + 1;
  };
  const isFresh = freshEvery > 0 && asked % freshEvery === 0;
  const way = {
    agent: isFresh ? false : agent,
    ...(from === undefined ? {} : { localAddress: from }),
  };
  const request = httpRequest({ ...way, host: "127.0.0.1", port, path, method }, (response) => {
    let body = "";
    response.setEncoding("latin1");
    response.on("data", (text: string) => {
      body += text;
    });
    response.on("error", () => over("cut"));
    response.on("end", () => over(faultOf(response.statusCode ?? 0, body, path)));
  });
  request.setTimeout(TIMEOUT_MS, () => {
    over("no answer");
    request.destroy();
  });
  request.on("error", (error: NodeJS.ErrnoException) => over(errorOf(request, error)));
  request.end(method === "POST" ? "a body" : undefined);
}

function faultOf(status: number, body: string, path: string): string | undefined {
  if (status === 200) return body === answerTo(path) ? undefined : "another body";
  const [, code = ""] = /^\d{3} [^:]+: (\w+) \(request /.exec(body) ?? []; // as Sluice's pages say
  return `${status} ${code}`.trim();
}

function errorOf(request: ClientRequest, error: NodeJS.ErrnoException): string {
  const code = error.code ?? error.message;
  return request.reusedSocket ? `${code} on a kept connection` : code;
}

async function stop(): Promise<LoadReport> {
  clearInterval(timer);
  const endMs = performance.now() + TIMEOUT_MS + 1_000;
  while (open > 0 && performance.now() < endMs) await new Promise((done) => setTimeout(done, 20));
  isStopping = true;
  for (const socket of sockets) socket.destroy();
  agent.destroy();
  return report();
}

function report(): LoadReport {
  const sorted = latenciesMs.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
  return {
    sent,
    failed,
    latenciesMs: [at(0.5), at(0.99), at(1)],
    socketsOpened,
    socketsClosed,
    echoes,
  };
}

// --- sockets ----------------------------------------------------------------------------------

/** A WebSocket whose frames nobody looks into, as none of the proxies does. */
async function openSocket(port: number): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  let heard = "";
  let said = "";
  let isOpen = false;
  socket.setEncoding("latin1");
  socket.write(
    "GET /socket HTTP/1.1\r\nHost: bench.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  await new Promise<void>((done) => {
    socket.on("data", (text: string) => {
      heard += text;
      const end = heard.indexOf("\r\n\r\n");
      if (!isOpen && end >= 0) {
        isOpen = heard.startsWith("HTTP/1.1 101");
        heard = heard.slice(end + 4);
        done();
      }
    });
    socket.on("error", () => done());
    socket.on("close", () => {
      if (isOpen && !isStopping) socketsClosed++;
      done();
    });
  });
  if (!isOpen) return;
  socketsOpened++;
  sockets.push(socket);
  const ticking = setInterval(() => {
    if (socket.destroyed) return clearInterval(ticking);
    if (heard === said) {
      echoes++;
      heard = "";
      said = `tick ${socketsOpened} ${performance.now()}`;
      socket.write(said);
    } else if (!said.startsWith(heard)) {
      socket.destroy(); // what came is not what was said: as good as closed
    }
  }, ECHO_EVERY_MS);
}
