import type { Exchange } from "../core/exchange.ts";
import { NO_FACTS } from "../protocol/proxy-protocol/proxy-header.ts";
import { writeProxyHeader } from "../protocol/proxy-protocol/write-proxy-header.ts";

/**
 * Who the client of an exchange is, as a PROXY header: the ends of its connection, and not what
 * X-Forwarded-For says, since the connection to the endpoint outlives one request.
 */
export function proxyHeaderOf({ client, downstream, id }: Exchange, version: 1 | 2): Uint8Array {
  const { proxied, tls } = client;
  const facts = proxied?.facts ?? NO_FACTS;
  const ends = {
    source: { host: client.wireAddress, port: client.wirePort },
    destination: proxied?.ends?.destination ?? {
      host: downstream.localAddress ?? "unix",
      port: client.localPort,
    },
  };
  return writeProxyHeader(version, ends, {
    authority: tls === undefined || tls.serverName === "" ? facts.authority : tls.serverName,
    alpn: tls === undefined ? facts.alpn : tls.alpn,
    uniqueId: facts.uniqueId === "" ? id : facts.uniqueId,
    isTls: tls !== undefined || facts.isTls,
  });
}
