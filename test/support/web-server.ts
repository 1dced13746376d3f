/** A web server on this machine, for what the proxy asks beside its endpoints. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";

export interface WebServer {
  readonly url: string; // without a slash at its end
  readonly asked: string[]; // targets, in order
  /** Changed by tests. */
  answer: (request: IncomingMessage, response: ServerResponse) => void;
  close(): Promise<void>;
}

export async function openWebServer(
  answer: WebServer["answer"],
  tls?: { readonly cert: string; readonly key: string },
): Promise<WebServer> {
  const asked: string[] = [];
  const serve = (request: IncomingMessage, response: ServerResponse) => {
    asked.push(request.url ?? "");
    opened.answer(request, response);
  };
  const server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const opened: WebServer = {
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    answer,
    async close() {
      server.closeAllConnections();
      if (!server.listening) return;
      server.close();
      await once(server, "close");
    },
  };
  return opened;
}

export function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(value));
}
