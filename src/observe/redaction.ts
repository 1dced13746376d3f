import { putText } from "./json-bytes.ts";
import type { SecretNames } from "./secret-names.ts";

const REDACTED = "REDACTED";

const AMPERSAND = 0x26;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;

/**
 * A query as JSON text, the values of secrets replaced. Never longer than six bytes a character.
 *
 * Some servers split at ";" too, so a name may begin after either; a secret value ends at "&" alone,
 * because those that do not split there have the rest of the secret after it.
 */
export function putQuery(
  bytes: Uint8Array,
  start: number,
  query: string,
  from: number,
  to: number,
  secrets: SecretNames,
): number {
  let at = start;
  let done = from; // written up to here
  let nameAt = from; // -1: in a value
  for (let index = from; index < to; index++) {
    const code = query.charCodeAt(index);
    if (code === AMPERSAND || code === SEMICOLON) nameAt = index + 1;
    if (code !== EQUALS || nameAt < 0) continue;
    const isSecret = secrets.has(query, nameAt, index);
    nameAt = -1;
    if (!isSecret) continue;
    at = putText(bytes, at, query, done, index + 1);
    at = putText(bytes, at, REDACTED, 0, REDACTED.length);
    done = indexOrEnd(query, "&", index, to);
    index = done - 1;
  }
  return putText(bytes, at, query, done, to);
}

/** A URL as JSON text: user information, and secrets in query and fragment, replaced. */
export function putUrl(
  bytes: Uint8Array,
  start: number,
  url: string,
  to: number,
  secrets: SecretNames,
): number {
  const fragment = indexOrEnd(url, "#", 0, to);
  const query = indexOrEnd(url, "?", 0, fragment);
  let at = putHierarchy(bytes, start, url, query);
  if (query < fragment) {
    at = putText(bytes, at, "?", 0, 1);
    at = putQuery(bytes, at, url, query + 1, fragment, secrets);
  }
  if (fragment < to) {
    at = putText(bytes, at, "#", 0, 1);
    at = putQuery(bytes, at, url, fragment + 1, to, secrets); // #access_token=… is OAuth's
  }
  return at;
}

/** RFC 3986 §3.2.1: what stands between "//" and the "@" of the authority may be a password. */
function putHierarchy(bytes: Uint8Array, start: number, url: string, to: number): number {
  const slashes = url.indexOf("//");
  if (slashes < 0 || slashes >= to) return putText(bytes, start, url, 0, to);
  const host = slashes + 2;
  const end = indexOrEnd(url, "/", host, to);
  const user = url.lastIndexOf("@", end - 1);
  if (user < host) return putText(bytes, start, url, 0, to);
  let at = putText(bytes, start, url, 0, host);
  at = putText(bytes, at, REDACTED, 0, REDACTED.length);
  return putText(bytes, at, url, user, to);
}

function indexOrEnd(text: string, sought: string, from: number, to: number): number {
  const at = text.indexOf(sought, from);
  return at < 0 || at > to ? to : at;
}
