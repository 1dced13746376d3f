/** Hashes of passwords as tools write them: argon2 and scrypt in PHC strings, bcrypt in its own form. */
import * as crypto from "node:crypto";

export type Argon2Name = "argon2id" | "argon2i" | "argon2d";

/** Plain data, so that it can be sent to a thread. */
export type PasswordHash =
  | {
      readonly kind: "argon2";
      readonly name: Argon2Name;
      readonly memoryKib: number;
      readonly passes: number;
      readonly parallelism: number;
      readonly salt: Uint8Array;
      readonly digest: Uint8Array;
    }
  | {
      readonly kind: "scrypt";
      readonly costLog2: number;
      readonly blockSize: number;
      readonly parallelism: number;
      readonly salt: Uint8Array;
      readonly digest: Uint8Array;
    }
  | { readonly kind: "bcrypt"; readonly cost: number; readonly text: string };

const MEMORY_KIB_MAX = 1024 * 1024; // what one check may take, as a mistake in the config would have it
const PASSES_MAX = 64;
const PARALLELISM_MAX = 64;
const BCRYPT_COST_MAX = 16; // some five seconds
const SALT_BYTES_MIN = 8;
const DIGEST_BYTES_MIN = 16;
const DIGEST_BYTES_MAX = 512;

/** Of Node itself since 24.7. */
export const HAS_ARGON2 = typeof crypto.argon2Sync === "function";

const MAKE_ONE = "make one with sluice hash-password, or htpasswd -B";

const ARGON2 =
  /^\$(argon2(?:id|i|d))\$v=19\$m=(\d{1,10}),t=(\d{1,5}),p=(\d{1,3})\$([A-Za-z0-9+/]{1,512})\$([A-Za-z0-9+/]{1,1024})$/;
const SCRYPT =
  /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]{1,512})\$([A-Za-z0-9+/]{1,1024})$/;
const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;

/** A string says what is wrong with it, and never holds any of it. */
export function parsePasswordHash(text: string): PasswordHash | string {
  if (text.startsWith("$2")) return parseBcrypt(text);
  if (text.startsWith("$argon2")) return parseArgon2(text);
  if (text.startsWith("$scrypt$")) return parseScrypt(text);
  const old = /^(\$apr1\$|\$1\$|\$5\$|\$6\$|\{SHA\})/.exec(text)?.[1];
  const kind =
    old === undefined
      ? "no hash that is taken"
      : `a hash of the kind ${old}, too weak or not taken`;
  return `is ${kind}: ${MAKE_ONE}`;
}

function parseBcrypt(text: string): PasswordHash | string {
  const cost = Number(BCRYPT.exec(text)?.[1] ?? Number.NaN);
  if (Number.isNaN(cost)) return "is no bcrypt hash, or is cut short";
  if (cost < 4 || cost > BCRYPT_COST_MAX)
    return `has a cost that is not from 4 to ${BCRYPT_COST_MAX}`;
  return { kind: "bcrypt", cost, text };
}

function parseArgon2(text: string): PasswordHash | string {
  const [all, name, memory, passes, lanes, salt = "", digest = ""] = ARGON2.exec(text) ?? [];
  if (all === undefined) return "is no argon2 hash of version 19, or is cut short";
  const hash = {
    kind: "argon2" as const,
    name: name as Argon2Name, // as the expression has it
    memoryKib: Number(memory),
    passes: Number(passes),
    parallelism: Number(lanes),
    salt: bytesOf(salt),
    digest: bytesOf(digest),
  };
  const { memoryKib, parallelism } = hash;
  if (memoryKib < 8 * parallelism || memoryKib > MEMORY_KIB_MAX)
    return "takes too little or too much memory";
  if (!isBetween(hash.passes, 1, PASSES_MAX))
    return `has passes that are not from 1 to ${PASSES_MAX}`;
  if (!isBetween(parallelism, 1, PARALLELISM_MAX)) return "has too little or too much parallelism";
  return bytesProblem(hash) ?? hash;
}

function parseScrypt(text: string): PasswordHash | string {
  const [all, log2, block, parallelism, salt = "", digest = ""] = SCRYPT.exec(text) ?? [];
  if (all === undefined) return "is no scrypt hash, or is cut short";
  const hash = {
    kind: "scrypt" as const,
    costLog2: Number(log2),
    blockSize: Number(block),
    parallelism: Number(parallelism),
    salt: bytesOf(salt),
    digest: bytesOf(digest),
  };
  if (!isBetween(hash.costLog2, 10, 24) || hash.blockSize < 1)
    return "has a cost that is not from 2^10 to 2^24";
  if (scryptKib(hash) > MEMORY_KIB_MAX) return "takes too much memory";
  if (!isBetween(hash.parallelism, 1, 16)) return "has a parallelism that is not from 1 to 16";
  return bytesProblem(hash) ?? hash;
}

/** What scrypt takes: 128 bytes a block, as often as the cost says. */
export function scryptKib({
  costLog2,
  blockSize,
}: {
  costLog2: number;
  blockSize: number;
}): number {
  return (2 ** costLog2 * blockSize * 128) / 1024;
}

function bytesProblem({
  salt,
  digest,
}: {
  salt: Uint8Array;
  digest: Uint8Array;
}): string | undefined {
  if (salt.length < SALT_BYTES_MIN) return `has a salt of less than ${SALT_BYTES_MIN} bytes`;
  const isLong = isBetween(digest.length, DIGEST_BYTES_MIN, DIGEST_BYTES_MAX);
  return isLong
    ? undefined
    : `has a digest that is not from ${DIGEST_BYTES_MIN} to ${DIGEST_BYTES_MAX} bytes`;
}

function bytesOf(base64: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64, "base64"));
}

function isBetween(value: number, min: number, max: number): boolean {
  return value >= min && value <= max;
}

/** One that costs the same and that no password fits: for users that there are not. */
export function decoyOf(hash: PasswordHash): PasswordHash {
  if (hash.kind !== "bcrypt") {
    const { salt, digest } = hash;
    return { ...hash, salt: random(salt.length), digest: random(digest.length) };
  }
  const letters = crypto.randomBytes(53).toString("base64").replace(/[+=]/g, ".").slice(0, 53);
  return { ...hash, text: `${hash.text.slice(0, 7)}${letters}` };
}

function random(count: number): Uint8Array {
  return new Uint8Array(crypto.randomBytes(count));
}
