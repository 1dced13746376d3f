/** Changes to a zone as its server takes them (RFC 2136), signed with a shared key (RFC 8945). */
import { createHmac } from "node:crypto";

export interface TextRecord {
  readonly name: string;
  readonly value: string;
}

export interface ZoneChange extends TextRecord {
  readonly kind: "add" | "remove";
  readonly zone: string;
  readonly ttlSeconds: number;
}

export type TsigAlgorithm = "hmac-sha1" | "hmac-sha256" | "hmac-sha384" | "hmac-sha512";

export interface TsigKey {
  readonly name: string;
  readonly algorithm: TsigAlgorithm;
  readonly secret: Uint8Array;
}

const UPDATE = 0x2800; // the opcode, in its place
const SOA = 6;
const TXT = 16;
const TSIG = 250;
const IN = 1;
const NONE = 254;
const ANY = 255;
const FUDGE_SECONDS = 300;
const HEAD_BYTES = 12;
const ADDITIONAL_COUNT = 10; // its place in the head

export function writeUpdate(id: number, change: ZoneChange): Buffer {
  const { kind, zone, name, value, ttlSeconds } = change;
  const isAdd = kind === "add";
  return Buffer.concat([
    numbers16(id, UPDATE, 1, 0, 1, 0),
    nameBytes(zone),
    numbers16(SOA, IN),
    nameBytes(name),
    numbers16(TXT, isAdd ? IN : NONE), // §2.5.4: of class NONE, the record goes
    number32(isAdd ? ttlSeconds : 0),
    withLength(textBytes(value)),
  ]);
}

/** The message with its signature at the end (RFC 8945 §4.3). */
export function signUpdate(message: Uint8Array, key: TsigKey, wallMs: number): Buffer {
  const keyName = nameBytes(key.name.toLowerCase());
  const algorithm = nameBytes(key.algorithm);
  const seconds = Math.floor(wallMs / 1000);
  const time = Buffer.concat([
    numbers16(Math.floor(seconds / 2 ** 32)),
    number32(seconds % 2 ** 32),
    numbers16(FUDGE_SECONDS),
  ]);
  const mac = createHmac(key.algorithm.replace("hmac-", ""), key.secret)
    .update(message)
    .update(keyName)
    .update(numbers16(ANY))
    .update(number32(0))
    .update(algorithm)
    .update(time)
    .update(numbers16(0, 0)) // no error, and nothing more to say
    .digest();
  const id = Buffer.from(message).readUInt16BE(0);
  const signature = [algorithm, time, withLength(mac), numbers16(id, 0, 0)];
  const signed = Buffer.concat([
    message,
    keyName,
    numbers16(TSIG, ANY),
    number32(0),
    withLength(Buffer.concat(signature)),
  ]);
  signed.writeUInt16BE(signed.readUInt16BE(ADDITIONAL_COUNT) + 1, ADDITIONAL_COUNT);
  return signed;
}

const CODES: readonly string[] = [
  ...["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"],
  ...["YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE"],
];

/** "NOERROR" where it was done; undefined for what is no answer to that message. */
export function readOutcome(answer: Uint8Array, id: number): string | undefined {
  if (answer.length < HEAD_BYTES) return undefined;
  const bytes = Buffer.from(answer);
  const flags = bytes.readUInt16BE(2);
  const isAnswer = (flags & 0x8000) !== 0 && (flags & 0x7800) === UPDATE;
  if (!isAnswer || bytes.readUInt16BE(0) !== id) return undefined;
  return CODES[flags & 0x0f] ?? `RCODE ${flags & 0x0f}`;
}

function nameBytes(name: string): Buffer {
  const labels = name.split(".").filter((label) => label !== "");
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])),
    Buffer.from([0]),
  ]);
}

/** Text in pieces of at most 255 bytes. */
function textBytes(text: string): Buffer {
  const bytes = Buffer.from(text);
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 255) {
    const piece = bytes.subarray(at, at + 255);
    pieces.push(Buffer.from([piece.length]), piece);
  }
  return Buffer.concat(pieces);
}

function withLength(bytes: Uint8Array): Buffer {
  return Buffer.concat([numbers16(bytes.length), bytes]);
}

function numbers16(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  for (const [index, value] of values.entries()) bytes.writeUInt16BE(value, index * 2);
  return bytes;
}

function number32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
