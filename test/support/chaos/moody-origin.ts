import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { ACCEPT, bodyOf } from "./chaos-text.ts";

export const MOODS = ["good", "slow", "hang", "reset", "garbage", "cut"] as const;
export type MoodName = (typeof MOODS)[number];

const SLOW_MS = 100;

/**
 * An origin on a real socket, in whatever mood it is told, which can be killed and come back on its
 * port. GET /NAME/BYTES gives that many bytes of that name; a POST is told how much came.
 */
export class MoodyOrigin {
  mood: MoodName = "good";
  port = 0;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  async start(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer((request, response) => this.#answer(request, response));
    server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => this.#sockets.delete(socket));
    });
    server.on("upgrade", (_request, socket) => {
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
          `Sec-WebSocket-Accept: ${ACCEPT}\r\n\r\n`,
      );
      socket.pipe(socket);
    });
    this.#server = server;
    server.listen(this.port, "127.0.0.1");
    await once(server, "listening");
    this.port = (server.address() as AddressInfo).port;
  }

  /** As when its process is killed: connections reset, and nobody listens. */
  async kill(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = once(server, "close");
    server.close();
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await closed;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    request.on("error", () => {});
    request.on("end", () => {
      const text = request.method === "POST" ? `got ${bytes}` : bodyAt(request.url ?? "");
      this.#behave(request.socket, response, text);
    });
  }

  #behave(socket: Socket, response: ServerResponse, text: string): void {
    switch (this.mood) {
      case "good":
        if (text.length % 2 === 0) response.setHeader("content-length", text.length);
        response.end(text); // and in chunks otherwise
        break;
      case "slow":
        response.write(text.slice(0, text.length / 2));
        setTimeout(() => response.end(text.slice(text.length / 2)), SLOW_MS);
        break;
      case "hang":
        break;
      case "reset":
        socket.resetAndDestroy();
        break;
      case "garbage":
        socket.end("\x00\x01 this is no HTTP\r\n\r\n");
        break;
      case "cut":
        response.setHeader("content-length", text.length + 1);
        response.write(text);
        setTimeout(() => socket.destroy(), 5);
    }
  }
}

/** "/NAME/BYTES" → so many bytes of that name. */
export function bodyAt(path: string): string {
  const [, name = "", bytes = "0"] = path.split("/");
  return bodyOf(name, Number(bytes));
}
