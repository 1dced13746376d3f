import { createHash } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";

export const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
export const ACCEPT = acceptOf(KEY);

/** What the server must answer to the client's key (RFC 6455 §4.2.2). */
export function acceptOf(key: string): string {
  return createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
}

/** A well-formed handshake; a field given here replaces or, if undefined, removes it. */
export function handshake(
  change: Readonly<Record<string, string | undefined>> = {},
  line = "GET /socket HTTP/1.1",
): string {
  const fields: Record<string, string | undefined> = {
    host: "a.test",
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-key": KEY,
    "sec-websocket-version": "13",
    ...change,
  };
  const lines = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}\r\n`],
  );
  return `${line}\r\n${lines.join("")}\r\n`;
}

/** A well-formed answer to it, with the same kind of changes. */
export function switched(change: Readonly<Record<string, string | undefined>> = {}): string {
  const fields = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-accept": ACCEPT,
    ...change,
  };
  const lines = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}\r\n`],
  );
  return `HTTP/1.1 101 Switching Protocols\r\n${lines.join("")}\r\n`;
}

export interface SocketServer {
  readonly url: string;
  readonly sockets: readonly WebSocket[];
  close(): Promise<void>;
}

/** A real WebSocket server. */
export async function socketServer(onSocket: (socket: WebSocket) => void): Promise<SocketServer> {
  const server = new WebSocketServer({
    port: 0,
    host: "127.0.0.1",
    perMessageDeflate: { threshold: 0 },
    handleProtocols: (protocols) => (protocols.has("chat") ? "chat" : false),
  });
  await once(server, "listening");
  const sockets: WebSocket[] = [];
  server.on("connection", (socket) => {
    sockets.push(socket);
    onSocket(socket);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sockets,
    async close() {
      for (const each of sockets) each.terminate();
      server.close();
      await once(server, "close");
    },
  };
}
