/** RFC 7617. */
export interface BasicCredentials {
  readonly name: string;
  readonly password: string;
}

const SCHEME = /^basic +/i;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/;
const LENGTH_MAX = 4_096;

export function isBasic(field: string): boolean {
  return SCHEME.test(field) || /^basic$/i.test(field);
}

/** Of a field that isBasic(); undefined: malformed. Text is UTF-8, or latin1 where it is none. */
export function parseBasic(field: string): BasicCredentials | undefined {
  const encoded = field.replace(SCHEME, "");
  if (encoded.length > LENGTH_MAX || !BASE64.test(encoded)) return undefined;
  const bytes = Buffer.from(encoded, "base64");
  const colon = bytes.indexOf(0x3a);
  if (colon < 0 || bytes.some((byte) => byte < 0x20 || byte === 0x7f)) return undefined; // §2: no control characters
  const text = textOf(bytes);
  const at = text.indexOf(":");
  return { name: text.slice(0, at), password: text.slice(at + 1) };
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function textOf(bytes: Buffer): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    return bytes.toString("latin1");
  }
}
