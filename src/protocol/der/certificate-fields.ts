import { readDer } from "./der.ts";

/** Of a certificate (RFC 5280 §4.1), what Node does not tell as it lies in the bytes. */
export interface CertificateFields {
  readonly serial: Uint8Array; // the number's bytes, a sign before them if need be
  readonly subject: Uint8Array; // the whole name
  readonly issuer: Uint8Array;
  readonly publicKey: Uint8Array; // the bits alone, without what kind of key it is
  readonly extensions: readonly Extension[];
}

interface Extension {
  readonly id: Uint8Array; // as objectId() writes it
  readonly value: Uint8Array;
}

const INTEGER = 0x02;
const BIT_STRING = 0x03;
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;

/** Undefined where these bytes are no certificate. */
export function certificateFields(certificate: Uint8Array): CertificateFields | undefined {
  const outer = readDer(certificate)?.[0];
  const body = outer && readDer(outer.content)?.[0];
  const all = body && readDer(body.content);
  if (all === undefined) return undefined;
  const [serial, _algorithm, issuer, _validity, subject, keyInfo] = all.slice(
    all[0]?.tag === VERSION ? 1 : 0,
  );
  const bits = keyInfo && readDer(keyInfo.content)?.[1];
  if (serial?.tag !== INTEGER || subject === undefined || issuer === undefined) return undefined;
  if (bits?.tag !== BIT_STRING) return undefined;
  const extensions = all.find(({ tag }) => tag === EXTENSIONS);
  const list = extensions && readDer(extensions.content)?.[0];
  return {
    serial: serial.content,
    subject: subject.whole,
    issuer: issuer.whole,
    publicKey: bits.content.subarray(1), // behind how many bits of the last byte are none
    extensions: ((list && readDer(list.content)) ?? []).flatMap(({ content }) => {
      const [id, ...rest] = readDer(content) ?? [];
      const value = rest.at(-1); // behind "critical" if there is one
      return id === undefined || value === undefined
        ? []
        : [{ id: id.whole, value: value.content }];
    }),
  };
}

/** What an extension says; undefined where there is none of that id. */
export function extensionOf(
  { extensions }: CertificateFields,
  id: Uint8Array,
): Uint8Array | undefined {
  return extensions.find((each) => Buffer.compare(each.id, id) === 0)?.value;
}
