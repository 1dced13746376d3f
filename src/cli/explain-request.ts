/** What `sluice explain` is asked, as a client would put it on the wire, and which listener gets it. */
import { type ParseArgsConfig, parseArgs } from "node:util";
import type { ListenerConfig } from "../config/config.ts";
import { canonicalIp } from "../core/arrival.ts";
import { parseAuthority } from "../protocol/http/authority.ts";
import type { DryRequest } from "../server/dry-run.ts";

export interface Asked {
  readonly config: string | undefined; // the file
  readonly isJson: boolean;
  readonly method: string;
  readonly url: string;
  readonly scheme: "http" | "https";
  readonly authority: string; // as written
  readonly target: string; // as written
  readonly fields: readonly string[]; // "name: value", as written
  readonly peerAddress: string; // "unix" for a unix socket
  readonly isPeerAssumed: boolean;
}

const OPTIONS = {
  config: { type: "string", short: "c" },
  header: { type: "string", short: "H", multiple: true },
  ip: { type: "string" },
  json: { type: "boolean" },
} as const satisfies ParseArgsConfig["options"];

const PEER_DEFAULT = "127.0.0.1";
const PORTS = { http: 80, https: 443 };

/** Throws with what is wrong with the usage. Whatever a wire can carry is for the proxy to judge. */
export function readAsked(args: readonly string[]): Asked {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: OPTIONS,
    allowPositionals: true,
  });
  const [method, url, ...more] = positionals;
  if (method === undefined)
    throw new Error("METHOD and URL are missing, such as GET http://a.test/");
  if (url === undefined) throw new Error("URL is missing, such as http://a.test/");
  if (more.length > 0) throw new Error(`Unexpected argument '${more[0]}'`);
  const fields = values.header ?? [];
  if (fields.includes("")) throw new Error("-H must be a header such as 'accept: text/html'");
  for (const text of [method, url, ...fields]) {
    if (/[\r\n]/.test(text)) throw new Error("METHOD, URL and -H must each be on one line");
  }
  return {
    config: values.config,
    isJson: values.json ?? false,
    method,
    url,
    ...partsOf(method, url),
    fields,
    peerAddress: peerOf(values.ip),
    isPeerAssumed: values.ip === undefined,
  };
}

function partsOf(method: string, url: string): Pick<Asked, "scheme" | "authority" | "target"> {
  const parts = /^(https?):\/\/([^/?#]*)([^#]*)/i.exec(url); // clients keep the fragment to themselves
  if (parts === null) throw new Error(`URL must begin with http:// or https://, got ${url}`);
  const [, scheme = "", authority = "", rest = ""] = parts;
  return {
    scheme: scheme.toLowerCase() === "https" ? "https" : "http",
    authority,
    target: rest === "" && method === "OPTIONS" ? "*" : rest.startsWith("/") ? rest : `/${rest}`,
  };
}

function peerOf(ip: string | undefined): string {
  if (ip === undefined || ip === "unix") return ip ?? PEER_DEFAULT;
  const address = canonicalIp(ip);
  if (address === undefined) throw new Error(`--ip must be an IP address or "unix", got ${ip}`);
  return address;
}

/** The head, byte for byte; what is not ASCII goes as UTF-8, as terminals give it. */
export function headOf({ method, target, authority, fields }: Asked): Buffer {
  const hasHost = fields.some((field) => /^host[ \t]*:/i.test(field));
  const host = hasHost ? [] : [`Host: ${authority}`];
  const lines = [`${method} ${target} HTTP/1.1`, ...host, ...fields];
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "utf8");
}

/** Who takes the connection, or why nobody does. */
export type Chosen =
  | { readonly listener: ListenerConfig; readonly port: number; readonly why: string }
  | { readonly listener: undefined; readonly why: string };

/** As the network would: by port, then by address as far as the URL says one. */
export function chooseListener(listeners: readonly ListenerConfig[], asked: Asked): Chosen {
  if (listeners.length === 0) return nobody("there are streams, and no site");
  const all = listeners.map(({ key }) => key).join(", ");
  if (asked.peerAddress === "unix") {
    const listener = listeners.find(({ address }) => address.host.startsWith("/"));
    if (listener === undefined) return nobody(`no listener is a unix socket, there is ${all}`);
    return { listener, port: 0, why: "the first that is a unix socket" };
  }
  // The client has to connect before it can say anything malformed, so the port is read on its own.
  const port = Number(/:([0-9]{1,5})$/.exec(asked.authority)?.[1] ?? PORTS[asked.scheme]);
  const isTls = asked.scheme === "https";
  const inNetwork = listeners.filter(({ address }) => !address.host.startsWith("/"));
  const network = inNetwork.filter((each) => each.isTls === isTls);
  const other = inNetwork.find((each) => each.isTls !== isTls && each.address.port === port);
  const onPort = network.filter(({ address }) => address.port === port);
  const found = onPort.length > 0 ? onPort : network.filter(({ address }) => address.port === 0);
  const [first] = found;
  if (first === undefined && other !== undefined) {
    return nobody(`${other.key} ${isTls ? "does not speak TLS" : "speaks TLS and nothing else"}`);
  }
  if (first === undefined) return nobody(`no listener is on port ${port}, there is ${all}`);
  if (onPort.length === 0) return { listener: first, port, why: "the system chooses its port" };
  if (found.length === 1) return { listener: first, port, why: `the one on port ${port}` };
  const host = parseAuthority(asked.authority, asked.scheme)?.host.replace(/^\[|\]$/g, "");
  const named = found.find(({ address }) => address.host === host);
  if (named !== undefined) return { listener: named, port, why: "the one on the URL's address" };
  const everywhere = found.find(({ address }) => ["", "0.0.0.0", "::"].includes(address.host));
  if (everywhere !== undefined)
    return { listener: everywhere, port, why: `the one on every address, port ${port}` };
  return { listener: first, port, why: `the first of ${found.length} on port ${port}` };
}

function nobody(why: string): Chosen {
  return { listener: undefined, why };
}

export function dryRequestOf(asked: Asked, listener: ListenerConfig, port: number): DryRequest {
  const { peerAddress, authority } = asked;
  const serverName = authority.replace(/:[0-9]*$/, "").toLowerCase();
  return {
    listenerKey: listener.key,
    head: headOf(asked),
    peerAddress,
    port,
    serverName: listener.isTls ? serverName : undefined,
  };
}
