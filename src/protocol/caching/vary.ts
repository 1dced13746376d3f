import { boundedKey } from "../../base/bounded-key.ts";
import { listTokens } from "../h1/connection-field.ts";
import { type HeaderList, isFieldName } from "../http/header-list.ts";

/** "*": no other request will ever match (RFC 9111 §4.1). Names in lower case, sorted, once each. */
export function varyNames(headers: HeaderList): readonly string[] | "*" {
  const values = headers.all("vary");
  if (values.length === 0) return NO_NAMES;
  const names = listTokens(values);
  // What is no name cannot be looked up, so nothing can be known to match it.
  if (names.some((name) => name === "*" || !isFieldName(name))) return "*";
  return [...new Set(names)].sort();
}

const NO_NAMES: readonly string[] = [];

/**
 * The values of these fields, as one text of bounded length: equal where a stored response may serve
 * the request.
 */
export function varyKey(names: readonly string[], request: HeaderList): string {
  let key = "";
  for (const name of names) key += `${normalValue(name, request.all(name))}\n`;
  return boundedKey(key);
}

/** §4.1: whitespace and the parting into lines do not tell two requests apart. "-": not there. */
function normalValue(name: string, values: readonly string[]): string {
  if (values.length === 0) return "-";
  const members = listMembers(values);
  if (name === "accept-encoding") return `=${encodings(members)}`;
  return `=${NEGOTIATING.has(name) ? negotiated(members) : members.join(",")}`;
}

const NEGOTIATING = new Set(["accept", "accept-charset", "accept-language"]);

/** The order of these lists, letter case, and how a quality of one is written mean nothing. */
function negotiated(members: readonly string[]): string {
  const plain = members.map((member) =>
    member
      .toLowerCase()
      .replace(/[ \t]*;[ \t]*/g, ";")
      .replace(/;q=1(\.0{0,3})?(?=;|$)/, ""),
  );
  return [...new Set(plain)].sort().join(",");
}

const CODINGS = new Set(["gzip", "br", "zstd", "deflate", "identity", "*"]);

/** Only codings that origins know, or every browser would have variants of its own. */
function encodings(members: readonly string[]): string {
  return negotiated(members)
    .replaceAll("x-gzip", "gzip")
    .split(",")
    .filter((member) => CODINGS.has(member.split(";", 1)[0]!))
    .join(",");
}

/** Trimmed, and parted at commas that are not within quotes. */
function listMembers(values: readonly string[]): string[] {
  const members: string[] = [];
  for (const value of values) {
    let from = 0;
    let isQuoted = false;
    for (let at = 0; at <= value.length; at++) {
      const char = value[at];
      if (isQuoted && char === "\\") at++;
      else if (char === '"') isQuoted = !isQuoted;
      if (at < value.length && (char !== "," || isQuoted)) continue;
      const member = value.slice(from, at).trim();
      if (member !== "") members.push(member);
      from = at + 1;
    }
  }
  return members;
}
