import { hexDigit } from "../../base/hex.ts";

/**
 * Asks about each value of the parameter `name` (decoded) until `accepts` says yes. Nothing is
 * allocated for other parameters, unless they are written with escapes.
 */
export function someQueryValue(
  query: string,
  name: string,
  accepts: (value: string) => boolean,
): boolean {
  for (let at = 0; at < query.length; ) {
    let equals = -1;
    let isPlainName = true;
    let end = at;
    for (; end < query.length; end++) {
      const code = query.charCodeAt(end);
      if (code === AMPERSAND) break;
      if (equals < 0) {
        if (code === EQUALS) equals = end;
        else if (code === PERCENT || code === PLUS) isPlainName = false;
      }
    }
    const nameEnd = equals < 0 ? end : equals;
    const isNamed = isPlainName
      ? nameEnd - at === name.length && query.startsWith(name, at)
      : decodeForm(query.slice(at, nameEnd)) === name;
    if (
      isNamed &&
      end > at &&
      accepts(equals < 0 ? "" : decodeForm(query.slice(equals + 1, end)))
    ) {
      return true;
    }
    at = end + 1;
  }
  return false;
}

/** The first value of the parameter `name`, decoded. */
export function queryValue(query: string, name: string): string | undefined {
  let found: string | undefined;
  someQueryValue(query, name, (value) => {
    found = value;
    return true;
  });
  return found;
}

/** A query without the parameter `name` (decoded), however often it is there. */
export function withoutParameter(query: string, name: string): string {
  if (query === "" || !someQueryValue(query, name, () => true)) return query;
  const kept = query.split("&").filter((member) => decodeForm(member.split("=", 1)[0]!) !== name);
  return kept.join("&");
}

/** As forms encode: "+" is a space. Broken escapes stay as they are, bytes that are no UTF-8 show as U+FFFD. */
export function decodeForm(text: string): string {
  if (!text.includes("%") && !text.includes("+")) return text;
  const bytes = Buffer.allocUnsafe(text.length);
  let count = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    const high = code === PERCENT ? hexDigit(text.charCodeAt(index + 1)) : -1;
    const low = high < 0 ? -1 : hexDigit(text.charCodeAt(index + 2));
    if (low >= 0) {
      bytes[count++] = high * 16 + low;
      index += 2;
    } else bytes[count++] = code === PLUS ? SPACE : code;
  }
  return bytes.toString("utf8", 0, count);
}

const SPACE = 0x20;
const PERCENT = 0x25;
const AMPERSAND = 0x26;
const PLUS = 0x2b;
const EQUALS = 0x3d;
