import { canonicalPath } from "./path.ts";

/** What may differ from site to site in how a path is read. */
export interface TargetPolicy {
  readonly slashes: "merge" | "keep"; // of "//"
  readonly encodedSlashes: "keep" | "reject"; // of %2F and %5C; they are never decoded
}

export const TARGET_POLICY: TargetPolicy = { slashes: "merge", encodedSlashes: "keep" };

/** What a request is for, in the one form that everything after works with (RFC 9112 §3.2). */
export interface Target {
  readonly kind: "origin" | "absolute" | "asterisk";
  readonly path: string; // canonical; "*" for the asterisk form
  readonly query: string; // as received, without "?"
  readonly scheme: "http" | "https" | ""; // "" unless absolute
  readonly authority: string; // as received, for parseAuthority; "" unless absolute
}

export interface RefusedTarget {
  readonly kind: "refused";
  readonly why: string; // for the log
}

/**
 * Reads a request target. One reader of the path is not enough for a bypass: it takes two that see
 * different things, one that checks and one that serves. So the path is brought to one form here,
 * once, and match, access rules, cache keys and forwarding all use that form.
 */
export function canonicalTarget(
  raw: string,
  method: string,
  policy: TargetPolicy = TARGET_POLICY,
): Target | RefusedTarget {
  if (raw.charCodeAt(0) === SLASH) return withPath("origin", raw, 0, "", "", policy);
  if (raw === "*") {
    if (method !== "OPTIONS") return refused("asterisk with a method other than OPTIONS");
    return { kind: "asterisk", path: "*", query: "", scheme: "", authority: "" };
  }
  return absoluteTarget(raw, method, policy);
}

function absoluteTarget(raw: string, method: string, policy: TargetPolicy): Target | RefusedTarget {
  const scheme = schemeOf(raw);
  if (scheme === "") return refused("neither a path nor an http or https URL");
  const at = scheme.length + "://".length;
  const end = authorityEnd(raw, at);
  if (end === at) return refused("a URL without a host");
  const authority = raw.slice(at, end);
  if (end === raw.length) {
    // RFC 9112 §3.2.4: this is how a client asks a proxy for "*" of the origin.
    const path = method === "OPTIONS" ? "*" : "/";
    return { kind: "absolute", path, query: "", scheme, authority };
  }
  if (raw.charCodeAt(end) === SLASH)
    return withPath("absolute", raw, end, scheme, authority, policy);
  // RFC 3986 §6.2.3: "http://host?query" has an empty path, which is the path "/".
  return withPath("absolute", `/${raw.slice(end)}`, 0, scheme, authority, policy);
}

function schemeOf(raw: string): "http" | "https" | "" {
  const start = raw.slice(0, "https://".length).toLowerCase();
  if (start.startsWith("http://")) return "http";
  return start === "https://" ? "https" : "";
}

/** Where the path, query or fragment of a URL begins. */
function authorityEnd(raw: string, at: number): number {
  for (let index = at; index < raw.length; index++) {
    const code = raw.charCodeAt(index);
    if (code === SLASH || code === QUESTION || code === HASH) return index;
  }
  return raw.length;
}

function withPath(
  kind: "origin" | "absolute",
  raw: string,
  at: number,
  scheme: "http" | "https" | "",
  authority: string,
  policy: TargetPolicy,
): Target | RefusedTarget {
  const question = raw.indexOf("?", at);
  const path = canonicalPath(raw, at, question < 0 ? raw.length : question, policy);
  if (path.charCodeAt(0) !== SLASH) return refused(path);
  if (question < 0) return { kind, path, query: "", scheme, authority };

  const query = raw.slice(question + 1);
  if (!isQuery(query)) return refused("a byte in the query that no URL may hold");
  return { kind, path, query, scheme, authority };
}

/**
 * Visible ASCII without "#". A query is not taken apart on the way, so unlike in a path nothing
 * else in it can change what is asked for; browsers send "\", a stray "%" and "[" in it as they are.
 */
export function isQuery(query: string): boolean {
  for (let index = 0; index < query.length; index++) {
    const code = query.charCodeAt(index);
    if (code <= 0x20 || code >= 0x7f || code === HASH) return false;
  }
  return true;
}

function refused(why: string): RefusedTarget {
  return { kind: "refused", why };
}

const SLASH = 0x2f;
const QUESTION = 0x3f;
const HASH = 0x23;
