import { certificateFields, extensionOf } from "../der/certificate-fields.ts";
import { objectId, readDer } from "../der/der.ts";

const AUTHORITY_KEY_ID = objectId("2.5.29.35");

/**
 * What a CA calls a certificate when it is asked for its renewal (RFC 9773 §4.1): the key of who
 * signed it and its serial number. Undefined for one that does not name its signer's key.
 */
export function certificateId(certificate: Uint8Array): string | undefined {
  const fields = certificateFields(certificate);
  const authority = fields && extensionOf(fields, AUTHORITY_KEY_ID);
  const inner = authority && readDer(authority)?.[0];
  const keyId = inner && readDer(inner.content)?.find(({ tag }) => tag === 0x80)?.content;
  if (fields === undefined || keyId === undefined) return undefined;
  return `${base64url(keyId)}.${base64url(fields.serial)}`;
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}
