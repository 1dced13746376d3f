import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** What the path of a request says it must be: /NAME/BYTES. */
export function knownBody(path: string): Buffer {
  const bytes = Number(/\/(\d+)$/.exec(path)?.[1] ?? 0);
  const pattern = createHash("sha256").update(path).digest("hex");
  return Buffer.alloc(bytes, pattern);
}

/** An origin whose answers follow from their paths, so that whoever gets one can tell whether it is right. */
export class KnownOrigin {
  readonly #server: Server;
  readonly url: string;
  requests = 0;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async open(fields: Readonly<Record<string, string>> = {}): Promise<KnownOrigin> {
    const server = createServer((request, response) => {
      const path = request.url!;
      origin.requests++;
      const etag = `"${createHash("sha256").update(path).digest("hex").slice(0, 16)}"`;
      const head = { etag, "cache-control": "max-age=3600", "cache-tag": tagOf(path), ...fields };
      if (request.headers["if-none-match"] === etag) {
        response.writeHead(304, head).end();
        return;
      }
      const body = knownBody(path);
      response.writeHead(200, { ...head, "content-length": body.length }).end(body);
    });
    server.keepAliveTimeout = 60_000;
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const origin = new KnownOrigin(server);
    return origin;
  }

  close(): void {
    this.#server.close().closeAllConnections();
  }
}

/** /news/1/500 has the tag "news". */
export function tagOf(path: string): string {
  return path.split("/")[1] ?? "";
}
