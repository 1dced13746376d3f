import type { HeaderList } from "./header-list.ts";

/**
 * Asks about each value of the cookie `name` until `accepts` says yes. Values are taken as they
 * stand, quotes included: RFC 6265 §5.4 makes no difference, so neither do we.
 */
export function someCookieValue(
  headers: HeaderList,
  name: string,
  accepts: (value: string) => boolean,
): boolean {
  const line = headers.get("cookie");
  if (line === undefined) return false;
  if (someInLine(line, name, accepts)) return true;
  // HTTP/2 may have split the field into crumbs (RFC 9113 §8.2.3).
  const lines = headers.all("cookie");
  for (let index = 1; index < lines.length; index++) {
    if (someInLine(lines[index]!, name, accepts)) return true;
  }
  return false;
}

/** The first value of the cookie `name`. */
export function cookieValue(headers: HeaderList, name: string): string | undefined {
  let found: string | undefined;
  someCookieValue(headers, name, (value) => {
    found = value;
    return true;
  });
  return found;
}

/** Every cookie of a request, in order, as it stands. */
export function eachCookie(
  headers: HeaderList,
  visit: (name: string, value: string) => void,
): void {
  for (const line of headers.all("cookie")) {
    for (const crumb of line.split(";")) {
      const equals = crumb.indexOf("=");
      if (equals > 0) visit(crumb.slice(0, equals).trim(), crumb.slice(equals + 1).trim());
    }
  }
}

/** Takes the cookie `name` off a request, however often it is there; the others stay as they stand. */
export function dropCookie(headers: HeaderList, name: string): void {
  if (!someCookieValue(headers, name, () => true)) return;
  const lines = headers.all("cookie");
  headers.delete("cookie");
  const kept = lines.flatMap((line) => line.split(";")).filter((crumb) => !isNamed(crumb, name));
  const line = kept.map((crumb) => crumb.trim()).join("; ");
  if (line !== "") headers.add("Cookie", line);
}

function isNamed(crumb: string, name: string): boolean {
  return crumb.slice(0, crumb.indexOf("=") + 1).trimStart() === `${name}=`;
}

function someInLine(line: string, name: string, accepts: (value: string) => boolean): boolean {
  for (let at = 0; at < line.length; ) {
    const semicolon = line.indexOf(";", at);
    const end = semicolon < 0 ? line.length : semicolon;
    while (at < end && isBlank(line.charCodeAt(at))) at++;
    if (line.startsWith(name, at) && line.charCodeAt(at + name.length) === EQUALS) {
      const valueAt = at + name.length + 1;
      if (valueAt <= end && accepts(line.slice(valueAt, end).trimEnd())) return true;
    }
    at = end + 1;
  }
  return false;
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

const EQUALS = 0x3d;
