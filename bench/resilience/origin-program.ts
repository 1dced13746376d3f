/**
 * An origin that can be told to misbehave: `GET /-/mood/NAME` sets what becomes of every request that
 * follows. Its answers hold the path, so that a client sees whether it got its own.
 *
 *     node origin-program.ts PORT
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { answerTo, isMood, type Mood } from "./origin-answer.ts";

const SLOW_MS = 300;
const STALL_BYTES = 100;
const BULK = Buffer.alloc(512 * 1024, "bulk ");

let mood: Mood = "normal";

const server = createServer((request, response) => {
  const [, wanted] = /^\/-\/mood\/(\w+)$/.exec(request.url ?? "") ?? [];
  if (wanted !== undefined && isMood(wanted)) {
    mood = wanted;
    response.end(wanted);
    return;
  }
  if (request.url === "/bulk") {
    response.end(BULK); // for who reads slowly
    return;
  }
  request.resume();
  request.on("end", () => behave(request, response));
});
server.keepAliveTimeout = 60_000;
server.on("upgrade", (request, socket: Socket) => {
  socket.on("error", () => socket.destroy());
  socket.write(
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      `Sec-WebSocket-Accept: ${acceptOf(request)}\r\n\r\n`,
  );
  socket.on("data", (bytes) => socket.write(bytes));
  socket.on("end", () => socket.end());
});
server.listen(Number(process.argv[2]), "127.0.0.1");
process.once("SIGTERM", () => process.exit(0));

function behave(request: IncomingMessage, response: ServerResponse): void {
  const body = answerTo(request.url ?? "");
  switch (mood) {
    case "normal":
      response.end(body);
      break;
    case "slow":
      setTimeout(() => response.end(body), SLOW_MS);
      break;
    case "hang":
      break;
    case "reset":
      request.socket.resetAndDestroy();
      break;
    case "garbage":
      request.socket.end("\x00\x01\x02 this is no HTTP\r\n\r\n");
      break;
    case "stall":
      response.setHeader("content-length", body.length);
      response.write(body.slice(0, STALL_BYTES));
      break;
    case "failing":
      response.statusCode = 503;
      response.end("not now");
  }
}

/** The same key comes from every client of ours, so the answer to it is known. */
function acceptOf({ headers }: IncomingMessage): string {
  const isOurs = headers["sec-websocket-key"] === "dGhlIHNhbXBsZSBub25jZQ==";
  return isOurs ? "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" : "";
}
