import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type Server, type TLSSocket, type TlsOptions } from "node:tls";
import { readRequest } from "./message.ts";

/** What one connection was like, as the origin saw it. */
export interface SecureConnection {
  readonly socket: TLSSocket;
  readonly serverName: string;
  readonly alpn: string | false | null;
  readonly isResumed: boolean;
  readonly clientName: string; // of the client's certificate, where there is one
  requests: number;
}

export type SecureAnswer = string | ((connection: SecureConnection, path: string) => string);

/** An HTTP/1 origin behind TLS: a scripted answer to each request without a body. */
export class SecureOrigin {
  readonly port: number;
  readonly connections: SecureConnection[] = [];
  readonly #server: Server;

  private constructor(server: Server, answer: SecureAnswer) {
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
    server.on("tlsClientError", () => {});
    server.on("secureConnection", (socket) => this.#accept(socket, answer));
  }

  static async open(
    options: TlsOptions,
    answer: SecureAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
  ): Promise<SecureOrigin> {
    const server = createServer({ ALPNProtocols: ["http/1.1"], ...options }); // undefined: none
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new SecureOrigin(server, answer);
  }

  get url(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  close(): void {
    this.#server.close();
    for (const { socket } of this.connections) socket.destroy();
  }

  #accept(socket: TLSSocket, answer: SecureAnswer): void {
    const peer = socket.getPeerCertificate();
    const connection: SecureConnection = {
      socket,
      serverName: (socket as unknown as { servername: string | false }).servername || "",
      alpn: socket.alpnProtocol,
      isResumed: socket.isSessionReused(),
      clientName: String(peer?.subject?.CN ?? ""),
      requests: 0,
    };
    this.connections.push(connection);
    let text = "";
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      text += bytes.toString("latin1");
      for (let found = readRequest(text, 0); found !== undefined; found = readRequest(text, 0)) {
        const [, path = ""] = text.split(" ");
        text = text.slice(found.end);
        connection.requests++;
        socket.write(typeof answer === "string" ? answer : answer(connection, path), "latin1");
      }
    });
  }
}
