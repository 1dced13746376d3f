import type { CertificateChanges, Certificates } from "../../core/certificates.ts";

/** Tells of many changes at once: a start resolves all names, and reads all certificates. */
export class Telling {
  readonly #tell: () => void;
  #isDue: boolean;

  constructor(tell: () => void) {
    this.#tell = tell;
    this.#isDue = false;
  }

  soon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => this.now());
  }

  /** If there is anything to tell. */
  now(): void {
    if (!this.#isDue) return;
    this.#isDue = false;
    this.#tell();
  }
}

/** Tells workers which certificates have changed, and what tickets are sealed with. */
export class CertificateTelling {
  readonly #telling: Telling;

  constructor(certificates: Certificates, tell: (changes: CertificateChanges) => void) {
    const due = new Set(certificates.entries.map(({ id }) => id));
    this.#telling = new Telling(() => {
      tell(certificates.changesOf(due));
      due.clear();
    });
    certificates.watch((id) => {
      if (id !== "") due.add(id);
      this.#telling.soon();
    });
    this.#telling.soon();
  }

  now(): void {
    this.#telling.now();
  }
}
