/** What any connection of a client needs to know of who is there and what was asked. */
import type { Wire } from "../base/world.ts";
import type { Client, RequestHead } from "../core/exchange.ts";
import type { Listening, Worker } from "../core/worker.ts";
import { HeaderList } from "../protocol/http/header-list.ts";
import type { Prelude } from "./prelude.ts";
import { plainAddress } from "./wire-peer.ts";

/** The client as the wire shows it, or as the PROXY header says that it began with. */
export function clientOf(
  wire: Wire,
  listening: Listening,
  isHttp2: boolean,
  { proxy, tls }: Prelude,
): Client {
  const { forwarding } = listening.runtime;
  const address = plainAddress(wire.remoteAddress);
  const peer: Client = {
    wireAddress: address,
    wirePort: wire.remotePort ?? 0,
    localPort: listening.localPort,
    isTrusted: forwarding.isTrusted(address),
    scheme: tls === undefined && proxy?.facts.isTls !== true ? "http" : "https",
    address,
    isHttp2,
    tls,
  };
  if (proxy === undefined) return peer;
  // A header that says nothing leaves the wire's own addresses.
  if (proxy.ends === undefined) return { ...peer, proxied: proxy };
  const { source, destination } = proxy.ends;
  return {
    ...peer,
    wireAddress: source.host,
    wirePort: source.port,
    localPort: destination.port,
    isTrusted: forwarding.isTrusted(source.host),
    address: source.host,
    proxied: proxy,
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
    headersReceived: undefined,
    upstreamPath: "",
    upstreamQuery: "",
    upstreamMethod: "",
    upstreamHost: "",
    pathPrefixes: undefined,
  };
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
