import { readDer } from "./der.ts";

const AUTHORITY_KEY_ID = Buffer.from([0x06, 0x03, 0x55, 0x1d, 0x23]).toString("hex"); // 2.5.29.35
const EXTENSIONS = 0xa3;
const VERSION = 0xa0;

/**
 * What a CA calls a certificate when it is asked for its renewal (RFC 9773 §4.1): the key of who
 * signed it and its serial number. Undefined for one that does not name its signer's key.
 */
export function certificateId(certificate: Uint8Array): string | undefined {
  const outer = readDer(certificate)?.[0];
  const body = outer && readDer(outer.content)?.[0];
  const fields = body && readDer(body.content);
  if (fields === undefined) return undefined;
  const serial = fields[fields[0]?.tag === VERSION ? 1 : 0];
  const extensions = fields.find(({ tag }) => tag === EXTENSIONS);
  const list = extensions && readDer(extensions.content)?.[0];
  const keyId = list && authorityKeyOf(readDer(list.content) ?? []);
  if (serial?.tag !== 0x02 || keyId === undefined) return undefined;
  return `${base64url(keyId)}.${base64url(serial.content)}`;
}

function authorityKeyOf(extensions: readonly { readonly content: Uint8Array }[]) {
  for (const { content } of extensions) {
    const [id, ...rest] = readDer(content) ?? [];
    if (id === undefined || Buffer.from(id.whole).toString("hex") !== AUTHORITY_KEY_ID) continue;
    const value = rest.at(-1); // an octet string, behind "critical" if there is one
    const inner = value && readDer(value.content)?.[0];
    return inner && readDer(inner.content)?.find(({ tag }) => tag === 0x80)?.content;
  }
  return undefined;
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}
