import { type FileLook, lookAt, lookNow } from "../base/file-look.ts";
import type { Timer, World } from "../base/world.ts";
import type { Certificates } from "../core/certificates.ts";
import {
  type CertificateFiles,
  certificateFilesId,
  isPem,
  readCertificateFiles,
} from "./certificate-files.ts";

const LOOK_EVERY_MS = 2_000;
const LOOK_EVERY_MS_PER_FILE = 1; // ten thousand certificates are looked at every twelve seconds

interface Followed {
  readonly files: CertificateFiles;
  look: FileLook; // as it was read
  doubt: FileLook | undefined; // could not be used like this, which may be because it is being written
}

/**
 * The certificates that the config names, as their files are: of the main thread, which looks at
 * them and takes up what changed. What cannot be used changes nothing, and is said once it lasts.
 */
export class FileCertificates implements Disposable {
  readonly #world: Pick<World, "clock" | "log">;
  readonly #certificates: Certificates;
  readonly #followed: Map<string, Followed>;
  readonly #problems: Map<string, string>;
  #looking: Timer | undefined;
  #isDisposed: boolean;

  constructor(world: Pick<World, "clock" | "log">, certificates: Certificates) {
    this.#world = world;
    this.#certificates = certificates;
    this.#followed = new Map();
    this.#problems = new Map();
    this.#looking = undefined;
    this.#isDisposed = false;
  }

  /** Why a certificate is not as its files are, by id. */
  get problems(): ReadonlyMap<string, string> {
    return this.#problems;
  }

  /** Before a config is compiled. Throws if one that is new cannot be used. */
  prepare(all: readonly CertificateFiles[]): void {
    for (const files of all) {
      const id = certificateFilesId(files);
      if (this.#followed.has(id) && this.#certificates.find(id) !== undefined) continue;
      const look = lookOf(files, lookNow);
      const read = readCertificateFiles(files);
      if (read.kind === "problem")
        throw new Error(`Cannot use the ${read.of} of ${id}: ${read.why}`);
      this.#certificates.set(read.entry);
      this.#followed.set(id, { files, look, doubt: undefined });
    }
  }

  /** After the swap: what nobody asks for is let go. */
  take(all: readonly CertificateFiles[]): void {
    const wanted = new Set(all.map(certificateFilesId));
    for (const id of [...this.#followed.keys()]) {
      if (wanted.has(id)) continue;
      this.#followed.delete(id);
      this.#problems.delete(id);
      this.#certificates.delete(id);
    }
    this.#lookSoon();
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#looking?.cancel();
  }

  #lookSoon(): void {
    this.#looking?.cancel();
    const isAny = [...this.#followed.values()].some(({ files }) => !isPem(files.cert + files.key));
    if (this.#isDisposed || this.#followed.size === 0 || !isAny) return;
    const delayMs = LOOK_EVERY_MS + this.#followed.size * LOOK_EVERY_MS_PER_FILE;
    this.#looking = this.#world.clock.after(delayMs, () => {
      void this.#look().then(() => this.#lookSoon());
    });
  }

  async #look(): Promise<void> {
    for (const [id, followed] of [...this.#followed]) {
      const { cert, key } = followed.files;
      const look = [await lookSource(cert), await lookSource(key)].join();
      if (this.#isDisposed || this.#followed.get(id) !== followed) continue;
      if (look !== followed.look) this.#changed(id, followed, look);
    }
  }

  #changed(id: string, followed: Followed, look: FileLook): void {
    const { log } = this.#world;
    const read = readCertificateFiles(followed.files);
    if (read.kind === "certificate") {
      followed.look = look;
      followed.doubt = undefined;
      this.#problems.delete(id);
      this.#certificates.set(read.entry);
      log.info("certificate read again", { certificate: id, names: read.entry.names });
      return;
    }
    // The key may be written a moment after the certificate, and both while we look.
    if (followed.doubt === look) {
      followed.look = look;
      this.#problems.set(id, `${read.of}: ${read.why}`);
      log.warn("certificate stays as it was", { certificate: id, of: read.of, why: read.why });
    }
    followed.doubt = look;
  }
}

function lookOf({ cert, key }: CertificateFiles, look: (file: string) => FileLook): FileLook {
  return [cert, key].map((source) => (isPem(source) ? "" : look(source))).join();
}

async function lookSource(source: string): Promise<FileLook> {
  return isPem(source) ? "" : await lookAt(source);
}
