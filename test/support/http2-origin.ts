import { once } from "node:events";
import {
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type SecureServerOptions,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";

export interface Http2Request {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: string;
}

export type Http2Answer = (stream: ServerHttp2Stream, request: Http2Request) => void;

/** An origin that is not ours and speaks HTTP/2: node:http2, with or without TLS. */
export class Http2Origin {
  readonly port: number;
  readonly sessions: ServerHttp2Session[] = [];
  readonly requests: Http2Request[] = [];
  onStream: ((stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void) | undefined;
  readonly #server: Http2Server | Http2SecureServer;

  private constructor(server: Http2Server | Http2SecureServer, answer: Http2Answer) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on("session", (session) => {
      this.sessions.push(session);
      session.on("error", () => {});
    });
    server.on("stream", (stream, headers) => this.#serve(stream, headers, answer));
    (server as Http2SecureServer).on("tlsClientError", () => {});
  }

  static async open(
    answer: Http2Answer = echo,
    tls?: SecureServerOptions,
    options: SecureServerOptions = {},
  ): Promise<Http2Origin> {
    const server =
      tls === undefined ? createServer(options) : createSecureServer({ ...tls, ...options });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Http2Origin(server, answer);
  }

  close(): void {
    for (const session of this.sessions) session.destroy();
    this.#server.close();
  }

  #serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, answer: Http2Answer): void {
    stream.on("error", () => {});
    if (this.onStream !== undefined) {
      this.onStream(stream, headers);
      return;
    }
    const pieces: Buffer[] = [];
    let trailers: IncomingHttpHeaders = {};
    stream.on("trailers", (got) => {
      trailers = got;
    });
    stream.on("data", (bytes: Buffer) => pieces.push(bytes));
    stream.on("end", () => {
      const request = { headers, trailers, body: Buffer.concat(pieces).toString("latin1") };
      this.requests.push(request);
      if (!stream.destroyed) answer(stream, request);
    });
  }
}

/** "GET /path 0": the method, the path, and how many bytes the body had. */
export function echo(stream: ServerHttp2Stream, { headers, body }: Http2Request): void {
  stream.respond({ ":status": 200, "x-authority": headers[":authority"] ?? "" });
  stream.end(
    headers[":method"] === "HEAD"
      ? undefined
      : `${headers[":method"]} ${headers[":path"]} ${body.length}`,
  );
}
