/** A proxy of node:http, http.request and pipe that does what the other contestants do. */
import { randomUUID } from "node:crypto";
import { openSync, writeSync } from "node:fs";
import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from "node:http";

const LOG_BUFFER_CHARACTERS = 65_536;
const LOG_FLUSH_MS = 1_000;

const [listenPort, originPort, logPath] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
const log = logPath === undefined ? undefined : openSync(logPath, "a");
let logBuffer = "";

const server = createServer((downstream, reply) => {
  const startedMs = performance.now();
  const id = randomUUID();
  const upstream = request(
    {
      host: "127.0.0.1",
      port: Number(originPort),
      method: downstream.method,
      path: downstream.url,
      headers: forwardedHeaders(downstream, id),
      agent,
    },
    (answer) => {
      reply.writeHead(answer.statusCode ?? 502, withoutHopByHop(answer.headers));
      answer.pipe(reply);
    },
  );
  upstream.on("error", () => refuse(reply));
  reply.on("close", () => {
    if (!reply.writableFinished) upstream.destroy();
    writeLine(downstream, reply, id, performance.now() - startedMs);
  });
  downstream.pipe(upstream);
});
server.keepAliveTimeout = 75_000;
server.listen(Number(listenPort), "127.0.0.1");

if (log !== undefined) setInterval(flush, LOG_FLUSH_MS);
process.once("SIGTERM", () => process.exit(0));

function forwardedHeaders(downstream: IncomingMessage, id: string): IncomingHttpHeaders {
  return {
    ...withoutHopByHop(downstream.headers),
    via: "1.1 node-http",
    "x-request-id": id,
    "x-forwarded-for": downstream.socket.remoteAddress ?? "",
    "x-forwarded-proto": "http",
    "x-forwarded-host": downstream.headers.host ?? "",
    "x-forwarded-port": String(listenPort),
  };
}

function withoutHopByHop(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const { connection: _, "keep-alive": __, upgrade: ___, ...rest } = headers;
  return rest;
}

function refuse(reply: ServerResponse): void {
  if (!reply.headersSent) reply.writeHead(502);
  reply.end();
}

function writeLine(
  { method, url, httpVersion, headers, socket }: IncomingMessage,
  { statusCode }: ServerResponse,
  id: string,
  durationMs: number,
): void {
  if (log === undefined) return;
  const line = {
    time: new Date().toISOString(),
    id,
    client: socket.remoteAddress,
    method,
    host: headers.host,
    target: url,
    protocol: httpVersion,
    status: statusCode,
    durationMs,
    upstream: `127.0.0.1:${originPort}`,
    referer: headers.referer,
    agent: headers["user-agent"],
  };
  logBuffer += `${JSON.stringify(line)}\n`;
  if (logBuffer.length >= LOG_BUFFER_CHARACTERS) flush();
}

function flush(): void {
  if (log === undefined || logBuffer === "") return;
  writeSync(log, logBuffer);
  logBuffer = "";
}
