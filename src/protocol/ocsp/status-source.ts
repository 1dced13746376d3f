/** What a certificate says about where its status is told, and whether it must come with it. */
import { certificateFields, extensionOf } from "../der/certificate-fields.ts";
import { objectId, readDer } from "../der/der.ts";

export interface StatusSource {
  readonly responder: string | undefined; // the first URL that can be asked
  /** Clients who know of it refuse the certificate without a stapled answer (RFC 7633). */
  readonly mustStaple: boolean;
}

const ACCESS = objectId("1.3.6.1.5.5.7.1.1");
const ACCESS_OCSP = objectId("1.3.6.1.5.5.7.48.1");
const FEATURES = objectId("1.3.6.1.5.5.7.1.24");
const STATUS_REQUEST = 5;
const URI = 0x86;
const INTEGER = 0x02;
const URL_CHARS_MAX = 2_048;

const NOTHING: StatusSource = { responder: undefined, mustStaple: false };

export function statusSourceOf(certificate: Uint8Array): StatusSource {
  const fields = certificateFields(certificate);
  if (fields === undefined) return NOTHING;
  const responders = listIn(extensionOf(fields, ACCESS)).flatMap(({ content }) => {
    const [method, place] = readDer(content) ?? [];
    const isOcsp = method !== undefined && Buffer.compare(method.whole, ACCESS_OCSP) === 0;
    return isOcsp && place?.tag === URI ? [Buffer.from(place.content).toString("latin1")] : [];
  });
  const features = listIn(extensionOf(fields, FEATURES));
  return {
    responder: responders.find(canBeAsked),
    mustStaple: features.some(
      ({ tag, content }) =>
        tag === INTEGER && content.length === 1 && content[0] === STATUS_REQUEST,
    ),
  };
}

function listIn(value: Uint8Array | undefined) {
  const list = value && readDer(value)?.[0];
  return (list && readDer(list.content)) ?? [];
}

function canBeAsked(text: string): boolean {
  if (text.length > URL_CHARS_MAX) return false;
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.username + url.password === "";
}
