/** The two messages of the health protocol, grpc.health.v1, with the five bytes before each. */

export const HEALTH_PATH = "/grpc.health.v1.Health/Check";

// Protocol buffers: a number and a kind of field, in one byte each here.
const SERVICE = 0x0a; // field 1, text
const STATUS = 0x08; // field 1, a number
const HEAD_BYTES = 5;
const SERVICE_BYTES_MAX = 127; // whose length is one byte

const STATUSES = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"] as const;

export type ServingStatus = (typeof STATUSES)[number];

/** `service`: "" for the server as a whole; ASCII, of 127 characters at most. */
export function writeHealthRequest(service: string): Buffer {
  if (service.length > SERVICE_BYTES_MAX) throw new Error("the name of a service is too long");
  const name = Buffer.from(service, "latin1");
  const message = name.length === 0 ? name : Buffer.concat([Buffer.of(SERVICE, name.length), name]);
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** The one message that these bytes are; a string says what is wrong with them. */
export function readHealthAnswer(bytes: Buffer): { readonly status: ServingStatus } | string {
  if (bytes.length < HEAD_BYTES) return "no message";
  if (bytes[0] !== 0) return "a compressed message";
  if (bytes.readUInt32BE(1) !== bytes.length - HEAD_BYTES) return "not one message";
  // What has the default value need not be there, and of a field that comes twice the last one counts.
  let status: ServingStatus = STATUSES[0];
  for (let at = HEAD_BYTES; at < bytes.length; at += 2) {
    const value = bytes[at + 1];
    const name = value === undefined ? undefined : STATUSES[value];
    if (bytes[at] !== STATUS || name === undefined) return "no answer about health";
    status = name;
  }
  return { status };
}
