import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { type FileLook, lookNow } from "../base/file-look.ts";
import type { World } from "../base/world.ts";
import { certificatesIn } from "./certificate.ts";

const LOOK_EVERY_MS = 5_000; // at the files, when somebody connects

export interface TrustFiles {
  readonly ca: readonly string[];
  readonly crl: readonly string[];
}

/** Whom the certificates of clients are vouched for by, as texts. */
export interface TrustTexts {
  readonly ca: readonly string[];
  readonly crl: readonly string[];
  readonly version: string; // of the texts: sessions that began under another one are not resumed
}

/**
 * The files of a site's client authentication. They are looked at while clients connect; what cannot
 * be used changes nothing, and is said.
 */
export class ClientTrust {
  readonly #world: Pick<World, "clock" | "log">;
  readonly #files: TrustFiles;
  #texts: TrustTexts;
  #look: FileLook;
  #lookAtMs: number;

  /** Throws if they cannot be used. */
  constructor(world: Pick<World, "clock" | "log">, files: TrustFiles) {
    this.#world = world;
    this.#files = files;
    this.#look = lookOf(files);
    this.#texts = readTrust(files);
    this.#lookAtMs = world.clock.nowMs() + LOOK_EVERY_MS;
  }

  current(): TrustTexts {
    const nowMs = this.#world.clock.nowMs();
    if (nowMs >= this.#lookAtMs) {
      this.#lookAtMs = nowMs + LOOK_EVERY_MS;
      this.#lookAgain();
    }
    return this.#texts;
  }

  #lookAgain(): void {
    const look = lookOf(this.#files);
    if (look === this.#look) return;
    this.#look = look;
    const { log } = this.#world;
    try {
      this.#texts = readTrust(this.#files);
      log.info("trust in client certificates read again", { ...this.#files });
    } catch (error) {
      const { message } = error as Error;
      log.warn("trust in client certificates stays as it was", { ...this.#files, error: message });
    }
  }
}

function lookOf({ ca, crl }: TrustFiles): FileLook {
  return [...ca, ...crl].map(lookNow).join();
}

/** Throws with what is wrong: completes "Cannot use …: ". */
export function readTrust(files: TrustFiles): TrustTexts {
  const [ca, crl] = [files.ca.map(read), files.crl.map(read)];
  for (const [index, text] of ca.entries()) {
    if ((certificatesIn(text)?.length ?? 0) === 0) {
      throw new Error(`${files.ca[index]} has no certificate in PEM, or one that cannot be read`);
    }
  }
  for (const [index, text] of crl.entries()) {
    try {
      createSecureContext({ crl: text });
    } catch {
      throw new Error(`${files.crl[index]} is no revocation list in PEM`);
    }
  }
  const version = createHash("sha256")
    .update(JSON.stringify([ca, crl]))
    .digest("hex");
  return { ca, crl, version };
}

function read(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch (error) {
    throw new Error(`${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? error})`);
  }
}
