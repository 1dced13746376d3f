import { listTokens } from "../h1/connection-field.ts";
import { CHUNKED, type Framing, NONE, requestFraming } from "../h1/framing.ts";
import { REFUSED_METHODS, type RequestFacts } from "../h1/request-facts.ts";
import { IS_METHOD, IS_VISIBLE } from "../h1/scan.ts";
import { parseAuthority } from "../http/authority.ts";
import type { HeaderList } from "../http/header-list.ts";
import { newKey } from "../websocket/handshake.ts";
import type { FieldSection } from "./field-section.ts";

/** Why a request is refused; the transport knows the fault for it. */
export interface RefusedRequest {
  readonly refused:
    | "grammar"
    | "fields-too-large"
    | "path-too-long"
    | "framing"
    | "host"
    | "expectation"
    | "upgrade"
    | "method";
  readonly why: string; // for the log
}

const METHOD_CHARACTERS_MAX = 32;

/**
 * What a request's fields mean, as facts that no one can tell from those of an HTTP/1 request: what
 * HTTP/1 would refuse in a head is refused here (SECURITY S5).
 */
export function readRequest(
  section: FieldSection,
  isLast: boolean,
  pathBytesMax: number,
): RequestFacts | RefusedRequest {
  if (section.isTooLarge) return refused("fields-too-large", "");
  if (section.problem !== "") return refused("grammar", section.problem);
  const { method, path, scheme } = section;
  if (method === undefined || !isMethod(method)) return refused("grammar", ":method");
  const { protocol } = section;
  if (protocol === undefined) {
    if (REFUSED_METHODS.has(method)) return refused("method", method);
  } else if (method !== "CONNECT")
    return refused("grammar", ":protocol beside a method of its own");
  else if (protocol !== "websocket") return refused("method", `CONNECT for ${protocol}`); // RFC 9220 §3
  if (scheme !== "http" && scheme !== "https") return refused("grammar", ":scheme");
  if (path === undefined || !isPath(path, method)) return refused("grammar", ":path");
  if (path.length > pathBytesMax) return refused("path-too-long", "");

  const host = hostOf(section, scheme);
  if (host === undefined) return refused("host", `${section.authority}, Host ${section.host}`);
  const framing = framingOf(section.contentLengths, isLast);
  if (framing.kind === "refused") return refused("framing", framing.why);
  const headers = section.headers();
  if (protocol !== undefined) return readWebsocket(section, headers, path, host, framing);
  if (section.expects && listTokens(headers.all("expect")).some((each) => each !== CONTINUE)) {
    return refused("expectation", headers.get("expect")!);
  }
  return {
    method,
    target: path,
    minorVersion: 1,
    host,
    headers,
    framing,
    keepsAlive: true,
    expectsContinue: section.expects && framing.kind !== "none",
    websocketKey: undefined,
    takesTrailers: section.takesTrailers,
    hasOddNames: section.hasOddNames,
  };
}

const CONTINUE = "100-continue";

/**
 * A WebSocket (RFC 8441), as the handshake in HTTP/1 that stands for it (RFC 6455 §4.1, SECURITY S8).
 * HTTP/2 has no key, and what a client says is one proves nothing: there is one of ours instead.
 */
function readWebsocket(
  section: FieldSection,
  headers: HeaderList,
  target: string,
  host: string | undefined,
  framing: Framing,
): RequestFacts | RefusedRequest {
  // Without a length, what follows is the tunnel's; with an end, nothing does.
  if (framing.kind !== "chunked") return refused("upgrade", "it has a body, or an end");
  const versions = headers.all("sec-websocket-version");
  if (versions.length !== 1 || versions[0] !== "13") {
    return refused("upgrade", "the version is not 13");
  }
  const websocketKey = newKey();
  headers.set("sec-websocket-key", websocketKey);
  return {
    method: "GET",
    target,
    minorVersion: 1,
    host,
    headers,
    framing: NONE,
    keepsAlive: true,
    expectsContinue: false,
    websocketKey,
    takesTrailers: false,
    hasOddNames: section.hasOddNames,
  };
}

/** The one authority; undefined if there is none, or two that differ. */
function hostOf(section: FieldSection, scheme: "http" | "https"): string | undefined {
  const { authority, host } = section;
  if (authority === undefined || authority === "") return host; // RFC 9113 §8.3.1: it may be absent
  if (host === undefined || host === authority) return authority;
  const one = parseAuthority(authority, scheme);
  const other = parseAuthority(host, scheme);
  if (one === undefined || other === undefined) return undefined;
  return one.host === other.host && one.port === other.port ? authority : undefined;
}

// Without a length the frames say where the body ends, and to HTTP/1 that is chunks.
function framingOf(lengths: readonly string[] | undefined, isLast: boolean): Framing {
  if (lengths === undefined) return isLast ? NONE : CHUNKED;
  const framing = requestFraming({
    minorVersion: 1,
    contentLengths: lengths,
    transferEncodings: [],
  });
  if (framing.kind === "length" && isLast && framing.bytes > 0) {
    return { kind: "refused", reason: "conflict", why: "content-length and no data" };
  }
  return framing;
}

function isMethod(method: string): boolean {
  if (method.length === 0 || method.length > METHOD_CHARACTERS_MAX) return false;
  for (let index = 0; index < method.length; index++) {
    if (IS_METHOD[method.charCodeAt(index)] !== 1) return false;
  }
  return true;
}

/** §8.3.1: a path from its "/" on, or "*" for OPTIONS; nothing that HTTP/1 could not have in a line. */
function isPath(path: string, method: string): boolean {
  if (path.charCodeAt(0) !== 0x2f) return path === "*" && method === "OPTIONS";
  for (let index = 1; index < path.length; index++) {
    if (IS_VISIBLE[path.charCodeAt(index)] !== 1) return false;
  }
  return true;
}

function refused(reason: RefusedRequest["refused"], why: string): RefusedRequest {
  return { refused: reason, why };
}
