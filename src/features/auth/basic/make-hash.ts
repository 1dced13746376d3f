import { randomBytes } from "node:crypto";
import { digestOf } from "./check-password.ts";

export type HashKind = "argon2id" | "scrypt";

const SALT_BYTES = 16;
const DIGEST_BYTES = 32;

// What OWASP's password storage cheat sheet asks for at least, and no more: the proxy pays for each.
const ARGON2 = {
  kind: "argon2",
  name: "argon2id",
  memoryKib: 19_456,
  passes: 2,
  parallelism: 1,
} as const;
const SCRYPT = { kind: "scrypt", costLog2: 15, blockSize: 8, parallelism: 3 } as const;

/** As parsePasswordHash() reads it. */
export function makeHash(password: string, kind: HashKind): string {
  const salt = new Uint8Array(randomBytes(SALT_BYTES));
  const cost = kind === "argon2id" ? ARGON2 : SCRYPT;
  const digest = digestOf(password, { ...cost, salt, digest: new Uint8Array(DIGEST_BYTES) });
  return `${head(cost)}$${base64(salt)}$${base64(digest)}`;
}

function head(cost: typeof ARGON2 | typeof SCRYPT): string {
  return cost.kind === "argon2"
    ? `$${cost.name}$v=19$m=${cost.memoryKib},t=${cost.passes},p=${cost.parallelism}`
    : `$scrypt$ln=${cost.costLog2},r=${cost.blockSize},p=${cost.parallelism}`;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64").replace(/=+$/, "");
}
