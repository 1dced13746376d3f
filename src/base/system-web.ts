import { Agent, type IncomingMessage, request } from "node:http";
import { Agent as TlsAgent, request as tlsRequest } from "node:https";
import type { Web, WebAnswer, WebQuestion } from "./world.ts";

const IDLE_MS = 10_000; // a conversation has many requests within seconds, and then none for weeks
const SOCKETS_MAX = 8; // at one server
const FREE_SOCKETS_MAX = 4;

const KEPT = {
  keepAlive: true,
  timeout: IDLE_MS,
  maxSockets: SOCKETS_MAX,
  maxFreeSockets: FREE_SOCKETS_MAX,
};

/** Web servers as Node's own client finds them. */
export class SystemWeb implements Web {
  readonly #agent: Agent;
  readonly #tlsAgent: TlsAgent;

  constructor() {
    this.#agent = new Agent(KEPT);
    this.#tlsAgent = new TlsAgent(KEPT);
  }

  ask(question: WebQuestion): Promise<WebAnswer> {
    const { method, url, headers, body, roots, timeoutMs, answerBytesMax } = question;
    const isTls = url.startsWith("https:");
    const isLast = headers["connection"] === "close"; // an agent's would stay open all the same
    return new Promise((resolve, reject) => {
      // The signal ends all of it: names, the handshake, a head or a body that trickles.
      const signal = AbortSignal.timeout(timeoutMs);
      const length =
        body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
      const options = {
        method,
        agent: isLast ? false : isTls ? this.#tlsAgent : this.#agent,
        headers: { ...headers, ...length },
        signal,
        ...(roots === undefined ? {} : { ca: roots }),
      };
      const fail = (error: Error) =>
        reject(signal.aborted ? new Error(`no answer within ${timeoutMs / 1000} s`) : plain(error));
      const answered = (response: IncomingMessage) => {
        readWhole(response, answerBytesMax).then(resolve, fail);
      };
      const asking = (isTls ? tlsRequest : request)(url, options, answered);
      asking.on("error", fail);
      asking.end(body);
    });
  }
}

function readWhole(response: IncomingMessage, bytesMax: number): Promise<WebAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > bytesMax) response.destroy(new Error("the answer is too long"));
      else chunks.push(chunk);
    });
    response.on("error", reject);
    response.on("end", () => {
      const { statusCode = 0, headers } = response;
      resolve({ status: statusCode, headers: headersOf(headers), body: Buffer.concat(chunks) });
    });
  });
}

function headersOf(headers: NodeJS.Dict<string | string[]>): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(", ") : value] as const],
    ),
  );
}

/** Where every address of a name refuses, the message is in the first of the errors. */
function plain(error: Error): Error {
  const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : [];
  return first instanceof Error ? first : error;
}
