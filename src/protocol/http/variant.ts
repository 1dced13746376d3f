/** What a response that was coded, or could have been, says about which one it is. */
import { idOf } from "./header-id.ts";
import type { HeaderList } from "./header-list.ts";

const ETAG = idOf("etag");
const IF_NONE_MATCH = idOf("if-none-match");
const VARY = idOf("vary");

/** Names a request field in Vary, unless it is there or "*" says it all (RFC 9110 §12.5.5). */
export function addVary(headers: HeaderList, name: string): void {
  if (headers.first(VARY) === undefined) {
    headers.add("vary", name);
    return;
  }
  const told = headers.all("vary").join(", ");
  const names = told.split(",").map((each) => each.trim().toLowerCase());
  if (names.includes("*") || names.includes(name.toLowerCase())) return;
  headers.set("vary", told === "" ? name : `${told}, ${name}`);
}

/** The same content in other bytes: a strong tag would say that the bytes are the same, too. */
export function weakenTag(headers: HeaderList): void {
  const tag = headers.first(ETAG);
  if (tag?.startsWith('"') === true) headers.set("etag", `W/${tag}`);
}

/**
 * A 304 to a client that has the coded one: it knows that by the weakened tag, and must find the same
 * tag here (RFC 9110 §15.4.5). Who has the other one sent the strong tag.
 */
export function weakenTagOf304(request: HeaderList, headers: HeaderList): void {
  const tag = headers.first(ETAG);
  if (tag?.startsWith('"') !== true || request.first(IF_NONE_MATCH) === undefined) return;
  const tags = splitTags(request.all("if-none-match").join(","));
  if (tags.includes(`W/${tag}`) && !tags.includes(tag)) headers.set("etag", `W/${tag}`);
}

/** `W/"a", "b"` → both. A comma within quotes is part of a tag. */
function splitTags(value: string): string[] {
  return value.slice(0, TAGS_CHARS_MAX).match(/(?:W\/)?"[^"]*"/g) ?? [];
}

const TAGS_CHARS_MAX = 8 * 1024;

/**
 * If-Match compares strongly, and what we weakened would never match again: an editor that got the
 * coded one could not save. Only the origin knows whether its own tag is strong, and it decides.
 */
export function strengthenIfMatch(request: HeaderList): void {
  const wanted = request.get("if-match");
  if (wanted === undefined || !wanted.includes('W/"')) return;
  const values = request.all("if-match").join(", ");
  request.set("if-match", values.replaceAll(/(?:W\/)?("[^"]*")/g, "$1"));
}
