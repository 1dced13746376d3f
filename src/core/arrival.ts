/**
 * From what a transport read to the one canonical request: authority, site, target, scheme and
 * client address are decided here and nowhere else (SECURITY P1, P3, H1, H3).
 */
import { formatIp, formatIpv4, isIpv4, parseIp } from "../base/ip-address.ts";
import { parseAuthority } from "../protocol/http/authority.ts";
import type { HeaderList } from "../protocol/http/header-list.ts";
import { canonicalTarget, TARGET_POLICY } from "../protocol/http/target.ts";
import { dropFalseNames } from "./claims.ts";
import type { Client, RequestHead } from "./exchange.ts";
import type { Fault } from "./fault.ts";
import type { Forwarding, ListenerPlan, Site } from "./runtime.ts";
import type { ClientTls } from "./tls.ts";

/** A head as a transport read it, whichever protocol it came in. */
export interface ReceivedHead {
  readonly method: string;
  readonly target: string;
  readonly minorVersion: 0 | 1;
  readonly host: string | undefined;
  readonly headers: HeaderList;
  readonly hasOddNames: boolean; // dropFalseNames() has to look
}

export interface Arrival {
  readonly request: RequestHead;
  readonly client: Client;
  readonly site: Site | undefined;
  readonly fault: Fault | undefined; // the request is refused, and is only as good as the log needs
}

/**
 * The requests of one connection on their way in. A client asks for the same host over and over, so
 * what its Host field came to is remembered.
 */
export class Arrivals {
  readonly #peer: Client;
  #plan: ListenerPlan | undefined; // what follows holds for this plan
  #received: string; // Host, as it came
  #host: string;
  #port: number;
  #site: Site | undefined;

  /** `peer`: the client as the wire shows it. */
  constructor(peer: Client) {
    this.#peer = peer;
    this.#plan = undefined;
    this.#received = "";
    this.#host = "";
    this.#port = 0;
    this.#site = undefined;
  }

  arrive(head: ReceivedHead, plan: ListenerPlan, forwarding: Forwarding): Arrival {
    const peer = this.#peer;
    if (head.hasOddNames) dropFalseNames(head.headers, peer.isTrusted);
    if (peer.isTrusted) {
      const client = {
        ...peer,
        address: believedAddress(head.headers, peer.address, forwarding),
        scheme: believedScheme(head.headers, peer.scheme),
      };
      return this.#resolve(head, client, plan);
    }
    return this.#resolve(head, peer, plan);
  }

  // The authority comes first, because the site that it names says how paths are read.
  #resolve(head: ReceivedHead, client: Client, plan: ListenerPlan): Arrival {
    if (!this.#knowsHost(head, client, plan)) {
      return refused(head, client, "request_host", head.host ?? "");
    }
    let host = this.#host;
    let port = this.#port;
    let site = this.#site;
    const target = canonicalTarget(head.target, head.method, site?.paths ?? TARGET_POLICY);
    if (target.kind === "refused") return refused(head, client, "request_target", target.why);

    if (target.kind === "absolute") {
      // RFC 9112 §3.2.2: the target's authority counts. We never dial it, and where Host says
      // something else, someone is trying to be in two places (SECURITY P3).
      const authority = parseAuthority(target.authority, client.scheme);
      const isSame = authority !== undefined && authority.host === host && authority.port === port;
      if (authority === undefined || (head.host !== undefined && !isSame)) {
        const detail = `target ${target.authority}, Host ${head.host}`;
        return refused(head, client, "request_host", detail);
      }
      host = authority.host;
      port = authority.port;
      site = plan.sites.find(host);
    }
    const request = requestHead(head, client.scheme, host, port, target.path, target.query);
    return { request, client, site, fault: client.tls && identified(client.tls, site, request) };
  }

  /** Works out host, port and site; false if Host is no authority. */
  #knowsHost({ host: received }: ReceivedHead, client: Client, plan: ListenerPlan): boolean {
    if (plan === this.#plan && received === this.#received) return true;
    this.#plan = undefined;
    this.#host = "";
    this.#port = 0;
    if (received !== undefined) {
      const authority = parseAuthority(received, client.scheme);
      if (authority === undefined) return false;
      this.#host = authority.host;
      this.#port = authority.port;
    }
    this.#site = plan.sites.find(this.#host);
    // Which port goes without saying depends on the scheme, which a trusted peer may change.
    if (received !== undefined && !client.isTrusted) {
      this.#plan = plan;
      this.#received = received;
    }
    return true;
  }
}

/**
 * A connection is good for the sites of the policy that its handshake was made under, and for no
 * others (SECURITY T2): who was not asked for a certificate must not get to those that ask.
 */
function identified(
  tls: ClientTls,
  site: Site | undefined,
  { host, headers }: RequestHead,
): Fault | undefined {
  if (site === undefined) return undefined;
  const { clientAuth } = site;
  if ((clientAuth?.policy ?? "") !== tls.policy) return { code: "misdirected", detail: host };
  clientAuth?.declare(headers, tls);
  return undefined;
}

function requestHead(
  head: ReceivedHead,
  scheme: "http" | "https",
  host: string,
  port: number,
  path: string,
  query: string,
): RequestHead {
  return {
    method: head.method,
    scheme,
    host,
    port,
    path,
    query,
    minorVersion: head.minorVersion,
    targetReceived: head.target,
    headers: head.headers,
    headersReceived: undefined,
    upstreamPath: path,
    upstreamQuery: query,
    upstreamMethod: "",
    upstreamHost: "",
    pathPrefixes: undefined,
  };
}

function refused(
  head: ReceivedHead,
  client: Client,
  code: "request_host" | "request_target",
  detail: string,
): Arrival {
  const request = requestHead(head, "http", "", 0, "/", "");
  return { request, client, site: undefined, fault: { code, detail } };
}

function believedScheme(headers: HeaderList, own: "http" | "https"): "http" | "https" {
  const proto = headers.get("x-forwarded-proto");
  return proto === "http" || proto === "https" ? proto : own;
}

/** Told of each hop that is looked at, in that order; for `explain`. */
export type HopRecorder = (hop: string, verdict: "trusted" | "client" | "no address") => void;

/**
 * Right to left through X-Forwarded-For: each hop vouches for the one before it for as long as it
 * is itself trusted. The first that is not is the client; what it claims about others is only talk.
 */
export function believedAddress(
  headers: HeaderList,
  wireAddress: string,
  forwarding: Forwarding,
  recorder?: HopRecorder,
): string {
  let believed = wireAddress;
  const hops = headers.all("x-forwarded-for").join(",").split(",");
  for (let index = hops.length - 1; index >= 0; index--) {
    const hop = hops[index]!.trim();
    const address = canonicalIp(hop);
    if (address === undefined) {
      recorder?.(hop, "no address");
      return believed; // the last good one stands
    }
    believed = address;
    const isTrusted = forwarding.isTrusted(address);
    recorder?.(address, isTrusted ? "trusted" : "client");
    if (!isTrusted) return believed;
  }
  return believed;
}

/** One spelling for each address, IPv4 also where it came mapped into IPv6. */
export function canonicalIp(text: string): string | undefined {
  const words = parseIp(text);
  if (words === undefined) return undefined;
  return isIpv4(words) ? formatIpv4(words[3]!) : formatIp(words);
}
