import { hash } from "node:crypto";
import type { Identity } from "../../../core/identity.ts";
import type { Proven } from "../auth-method.ts";

/** A key as the config or a file has it: never the key itself. */
export interface KnownKey {
  readonly name: string;
  readonly digest: string; // SHA-256, hexadecimal
  readonly claims: Readonly<Record<string, unknown>>;
}

/** For keys that are long and random, which is what makes one round of SHA-256 enough. */
export function digestOf(key: string): string {
  return hash("sha256", key, "hex");
}

/**
 * Keys by their digests. Who guesses does not choose the digest, so how long the lookup takes tells
 * nothing of any key (SECURITY A6).
 */
export class KnownKeys {
  readonly #proofs: ReadonlyMap<string, Proven>;

  constructor(keys: Iterable<KnownKey>) {
    const proofs = new Map<string, Proven>();
    for (const { name, digest, claims } of keys) {
      const identity: Identity = { method: "apiKey", name, claims: bare(claims) };
      proofs.set(digest, { kind: "proven", identity });
    }
    this.#proofs = proofs;
  }

  get count(): number {
    return this.#proofs.size;
  }

  find(key: string): Proven | undefined {
    return this.#proofs.get(digestOf(key));
  }
}

function bare(claims: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.assign(Object.create(null) as Record<string, unknown>, claims);
}

const LINE =
  /^(?<name>[^\s:]{1,256}):(?:sha256:)?(?<digest>[0-9A-Fa-f]{64})(?:\s+(?<claims>\{.*\}))?$/;

/** NAME:DIGEST, and a map of claims in JSON, a line each; "#" begins a comment. Throws with what is wrong. */
export function parseKeyFile(text: string): KnownKey[] {
  const keys: KnownKey[] = [];
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const found = LINE.exec(line)?.groups;
    const claims = found && claimsOf(found["claims"]);
    if (found === undefined || claims === undefined) {
      // The line may hold a key, so it is not shown.
      throw new Error(
        `line ${index + 1} must be NAME:SHA256, with claims as a map in JSON behind it or none`,
      );
    }
    keys.push({ name: found["name"]!, digest: found["digest"]!.toLowerCase(), claims });
  }
  return keys;
}

function claimsOf(text: string | undefined): Record<string, unknown> | undefined {
  if (text === undefined) return {};
  try {
    const claims = JSON.parse(text) as unknown;
    return typeof claims === "object" && claims !== null
      ? (claims as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
