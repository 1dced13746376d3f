import { isFieldName } from "../../protocol/http/header-list.ts";

/** Which of the two heads a name stands in. */
export type Side = "request" | "response";

const FRAMING = "is part of how messages are framed on a connection, and set anew on each";
const CODED = "says how the body is coded, which compress and decompress decide";

/** Names that edits cannot have, with the reason, and the way there is. */
const REFUSED: Readonly<Record<Side, ReadonlyMap<string, string>>> = {
  request: new Map([
    ...framing(["expect", "http2-settings", "proxy-authorization"]),
    ["proxy", "is read by CGI programs as the proxy to use (HTTPoxy), and never sent on"],
    ["content-encoding", CODED],
    ["x-forwarded-for", told("the client's address")],
    ["x-forwarded-proto", told("the scheme")],
    ["x-forwarded-host", told("the host")],
    ["x-forwarded-port", told("the port")],
    ["forwarded", "is set by the proxy where forwarded: true says so"],
    ["via", "is set by the proxy, against loops; via: off leaves it out"],
    ["x-request-id", "is set by the proxy; a trusted peer's is kept"],
    ["sec-websocket-key", "is part of a handshake with the endpoint"],
    ["sec-websocket-version", "is part of a handshake with the endpoint"],
  ]),
  response: new Map([
    ...framing(["proxy-authenticate"]),
    ["content-encoding", CODED],
    ["content-range", "says which part of the content the body is"],
    ["date", "is of whoever made the response"],
    ["sec-websocket-accept", "is part of a handshake with the client"],
  ]),
};

/** What no wildcard takes. */
export const SPARED: Readonly<Record<Side, ReadonlySet<string>>> = {
  request: new Set([...REFUSED.request.keys(), "host"]),
  response: new Set(REFUSED.response.keys()),
};

/** What is wrong with a name; undefined if nothing is. */
export function nameProblem(name: string, side: Side, isRemoved: boolean): string | undefined {
  if (isRemoved && name.includes("*")) return wildcardProblem(name);
  if (!isFieldName(name)) return `must be the name of a header, got ${JSON.stringify(name)}`;
  const lower = name.toLowerCase();
  const why = REFUSED[side].get(lower);
  if (why !== undefined) return `must not have ${name}, which ${why}`;
  if (side === "request" && lower === "host" && isRemoved)
    return "must not have host, which no request goes without; set says another";
  return undefined;
}

function wildcardProblem(name: string): string | undefined {
  const [before = "", after = "", ...more] = name.split("*");
  const letters = before + after;
  if (more.length > 0 || letters === "" || !isFieldName(letters))
    return `must be a name with one "*" such as "x-internal-*", got ${JSON.stringify(name)}`;
  return undefined;
}

function framing(more: readonly string[]): readonly (readonly [string, string])[] {
  const names = [
    "connection",
    "content-length",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
  ];
  return [...names, ...more].map((name) => [name, FRAMING] as const);
}

function told(what: string): string {
  return `tells the endpoint ${what}, and is set by the proxy from what trust.proxies says`;
}
