import { nearestWord } from "../base/nearest-word.ts";
import { cookieValue } from "../protocol/http/cookie.ts";
import { isFieldName } from "../protocol/http/header-list.ts";
import { queryValue } from "../protocol/http/query.ts";
import type { Exchange } from "./exchange.ts";
import { claimText, identityBy } from "./identity.ts";
import type { Stuff } from "./template-encode.ts";

/** Values that the place of use knows and no exchange has: {status} on an error page. */
export type ExtraValues = Readonly<Record<string, string>>;

export interface Placeholder {
  readonly name: string; // "path.id"
  readonly stuff: Stuff;
  /** "" where there is none. */
  read(exchange: Exchange | undefined, extra: ExtraValues): string;
}

type Read = (exchange: Exchange) => string;

const WHOLE: ReadonlyMap<string, readonly [Stuff, Read]> = new Map(
  Object.entries<readonly [Stuff, Read]>({
    path: ["path", ({ request }) => request.path],
    query: ["query", ({ request }) => request.query],
    target: ["target", ({ request }) => targetOf(request.path, request.query)],
    host: ["text", ({ request }) => request.host],
    port: ["text", ({ request }) => (request.port === 0 ? "" : String(request.port))],
    scheme: ["text", ({ request }) => request.scheme],
    method: ["text", ({ request }) => request.method],
    clientIp: ["text", ({ client }) => client.address],
    country: ["text", ({ runtime, client }) => runtime.geo?.country(client.address) ?? ""],
    asn: ["text", ({ runtime, client }) => String(runtime.geo?.asn(client.address) || "")],
    requestId: ["bytes", ({ id }) => id],
    identity: ["text", ({ identity }) => identity?.name ?? ""],
  }),
);

function targetOf(path: string, query: string): string {
  return query === "" ? path : `${path}?${query}`;
}

/** {kind.name} */
const NAMED: ReadonlyMap<string, readonly [Stuff, (name: string) => Read]> = new Map(
  Object.entries<readonly [Stuff, (name: string) => Read]>({
    path: ["path", (name) => (exchange) => captureOf(exchange, name)],
    query: [
      "text",
      (name) =>
        ({ request }) =>
          queryValue(request.query, name) ?? "",
    ],
    header: [
      "bytes",
      (name) =>
        ({ request }) =>
          request.headers.get(name) ?? "",
    ],
    cookie: [
      "bytes",
      (name) =>
        ({ request }) =>
          cookieValue(request.headers, name) ?? "",
    ],
    jwt: [
      "text",
      (name) =>
        ({ identity }) =>
          claimText(identityBy(identity, "jwt"), name),
    ],
    claim: [
      "text",
      (name) =>
        ({ identity }) =>
          claimText(identity, name),
    ],
  }),
);

function captureOf({ site, route, request, client }: Exchange, name: string): string {
  if (site === undefined || route === undefined) return "";
  return site.routes.captures(route, request, client.address)?.get(name) ?? "";
}

/** What is between the braces, or what is wrong with it. */
export function parsePlaceholder(
  name: string,
  extraNames: readonly string[],
  extraStuff: Stuff,
): Placeholder | string {
  if (extraNames.includes(name))
    return { name, stuff: extraStuff, read: (_, extra) => extra[name] ?? "" };
  const dot = name.indexOf(".");
  const kind = dot < 0 ? name : name.slice(0, dot);
  const found = dot < 0 ? WHOLE.get(kind) : namedOf(kind, name.slice(dot + 1));
  if (typeof found === "string") return found;
  if (found === undefined) return unknown(name, kind, extraNames);
  const [stuff, read] = found;
  return { name, stuff, read: (exchange) => (exchange === undefined ? "" : read(exchange)) };
}

function namedOf(kind: string, name: string): readonly [Stuff, Read] | string | undefined {
  const found = NAMED.get(kind);
  if (found === undefined) return undefined;
  if (kind === "header" && !isFieldName(name))
    return `{header.${name}} is not the name of a header`;
  if (kind === "path" && !/^(\*|[0-9]+|[A-Za-z_]\w*)$/.test(name)) {
    return `{path.${name}} must be * or the name or number of a part of the path`;
  }
  return [found[0], found[1](name)];
}

function unknown(name: string, kind: string, extraNames: readonly string[]): string {
  const dot = name.indexOf(".");
  const known = dot < 0 ? [...WHOLE.keys(), ...extraNames] : NAMED.keys();
  const nearest = nearestWord(kind, known);
  const hint =
    nearest === undefined ? "" : `; did you mean {${nearest}${name.slice(kind.length)}}?`;
  return `{${name}} is no placeholder${hint} (write {{${name}}} for the text itself)`;
}
