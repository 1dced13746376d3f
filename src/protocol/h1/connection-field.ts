/** What the Connection field of a message says (RFC 9110 §7.6.1). */
export interface ConnectionOptions {
  readonly close: boolean;
  readonly keepAlive: boolean;
  readonly upgrade: boolean;
  readonly te: boolean;
  /** Other fields that are for this hop only, in lower case. */
  readonly fields: readonly string[];
}

const NOTHING: readonly string[] = [];
const ABSENT = options(false, false);
const KEEP_ALIVE = options(false, true);
const CLOSE = options(true, false);

function options(close: boolean, keepAlive: boolean): ConnectionOptions {
  return { close, keepAlive, upgrade: false, te: false, fields: NOTHING };
}

/** `values`: of every Connection field, in order. Unlisted or odd tokens name no field. */
export function readConnection(values: readonly string[]): ConnectionOptions {
  if (values.length === 0) return ABSENT;
  if (values.length === 1) {
    // What nearly everyone sends; no list is made for it.
    const value = values[0]!;
    if (value === "keep-alive" || value === "Keep-Alive") return KEEP_ALIVE;
    if (value === "close") return CLOSE;
  }
  const tokens = listTokens(values);
  const isField = (token: string) => !CONNECTION_OPTIONS.has(token);
  return {
    close: tokens.includes("close"),
    keepAlive: tokens.includes("keep-alive"),
    upgrade: tokens.includes("upgrade"),
    te: tokens.includes("te"),
    fields: tokens.filter(isField),
  };
}

/** Another message may follow on the connection (RFC 9112 §9.3). */
export function keepsAlive(minorVersion: 0 | 1, { close, keepAlive }: ConnectionOptions): boolean {
  return minorVersion === 1 ? !close : keepAlive && !close;
}

const CONNECTION_OPTIONS = new Set(["close", "keep-alive", "upgrade"]);

/**
 * Fields that a sender must not declare to be for one hop only: to strip them would take away what
 * the next server decides by (SECURITY H2).
 */
export const END_TO_END_FIELDS: ReadonlySet<string> = new Set([
  "host",
  "content-length",
  "transfer-encoding",
  "content-type",
  "content-encoding",
  "cookie",
  "set-cookie",
  "authorization",
  "cache-control",
  "expect",
  "range",
  "date",
  "location",
  "via",
]);

/** The members of comma-separated lists, in lower case, empty ones left out (RFC 9110 §5.6.1). */
export function listTokens(values: readonly string[]): string[] {
  return values
    .join(",")
    .toLowerCase()
    .split(",")
    .map((token) => token.trim())
    .filter((token) => token !== "");
}
