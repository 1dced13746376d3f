/**
 * A certificate with its key: plain data, so that it can be sent to workers. Entries are replaced
 * whole and never changed; what is made of one may hang off the object.
 */
export interface CertificateEntry {
  readonly id: string; // "file /etc/a.pem /etc/a.key", "acme a.test"
  readonly names: readonly string[]; // of the certificate, lower case: "a.test" "*.a.test" "10.0.0.1"
  readonly cert: string; // PEM, its chain behind it
  readonly key: string; // PEM
}

/**
 * Where certificates come from at run time: files, a certificate authority. A source belongs to the
 * main thread, which writes what it has into Certificates with set() and delete(), each under an id
 * of its own; workers are told and serve the new one from the next handshake on. A site names in
 * its terms which ids it is served with (src/tls/).
 */
export class Certificates {
  readonly #entries: Map<string, CertificateEntry>;
  readonly #watchers: Set<() => void>;

  constructor(entries: Iterable<CertificateEntry> = []) {
    this.#entries = new Map();
    this.#watchers = new Set();
    for (const entry of entries) this.#entries.set(entry.id, entry);
  }

  /** All of them, for a worker that begins. */
  get entries(): readonly CertificateEntry[] {
    return [...this.#entries.values()];
  }

  find(id: string): CertificateEntry | undefined {
    return this.#entries.get(id);
  }

  set(entry: CertificateEntry): void {
    this.#entries.set(entry.id, entry);
    this.#changed();
  }

  delete(id: string): void {
    if (this.#entries.delete(id)) this.#changed();
  }

  /** What the main thread has by now; a worker's copy of it. Who is the same stays the same object. */
  replace(entries: readonly CertificateEntry[]): void {
    const before = new Map(this.#entries);
    this.#entries.clear();
    for (const entry of entries) {
      const known = before.get(entry.id);
      this.#entries.set(entry.id, known !== undefined && isSame(known, entry) ? known : entry);
    }
    this.#changed();
  }

  /** Told after each change, until the answer is disposed. */
  watch(changed: () => void): Disposable {
    this.#watchers.add(changed);
    return { [Symbol.dispose]: () => this.#watchers.delete(changed) };
  }

  #changed(): void {
    for (const changed of this.#watchers) changed();
  }
}

function isSame(one: CertificateEntry, other: CertificateEntry): boolean {
  return one.cert === other.cert && one.key === other.key;
}
