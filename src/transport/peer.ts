/** What any connection of a client needs to know of who is there and what was asked. */
import type { Wire } from "../base/world.ts";
import type { Client, RequestHead } from "../core/exchange.ts";
import type { Worker } from "../core/worker.ts";
import { HeaderList } from "../protocol/http/header-list.ts";

export function peerOf(
  wire: Wire,
  localPort: number,
  isTrusted: (address: string) => boolean,
  isHttp2: boolean,
): Client {
  // An IPv4 client on a dual-stack socket is still an IPv4 client to every rule and log.
  const address = wire.remoteAddress?.replace(/^::ffff:(?=\d+\.)/, "") ?? "unix";
  return {
    wireAddress: address,
    wirePort: wire.remotePort ?? 0,
    localPort,
    isTrusted: isTrusted(address),
    scheme: "http",
    address,
    isHttp2,
    tls: undefined,
  };
}

/** A trusted peer's id is kept, if it gave one that can be written anywhere. */
export function requestIdOf(headers: HeaderList, peer: Client, worker: Worker): string {
  if (peer.isTrusted) {
    const [given, ...others] = headers.all("x-request-id");
    if (given !== undefined && others.length === 0 && /^[\w.~:=+/@-]{1,128}$/.test(given))
      return given;
  }
  return worker.newId();
}

/** For the log of a head that is no request. */
export function unreadRequest(): RequestHead {
  return {
    method: "",
    scheme: "http",
    host: "",
    port: 0,
    path: "",
    query: "",
    minorVersion: 1,
    targetReceived: "",
    headers: HeaderList.empty(),
    upstreamPath: "",
    upstreamQuery: "",
  };
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
