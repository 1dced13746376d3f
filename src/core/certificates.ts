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

/** What has changed, for workers: a proxy may have ten thousand certificates. */
export interface CertificateChanges {
  readonly entries: readonly CertificateEntry[]; // new or replaced
  readonly deleted: readonly string[];
  readonly ticketSecrets: readonly string[];
}

const TICKET_SECRETS = 2;

/**
 * Where certificates come from at run time: files, a certificate authority. A source belongs to the
 * main thread, which writes what it has into Certificates with set() and delete(), each under an id
 * of its own; workers are told and serve the new one from the next handshake on. A site names in
 * its terms which ids it is served with (src/tls/).
 */
export class Certificates {
  readonly #entries: Map<string, CertificateEntry>;
  readonly #watchers: Set<(id: string) => void>;
  #ticketSecrets: readonly string[];
  /** Set by who can get one for a name that no config has; the id is that of the new entry. */
  demand: ((name: string) => Promise<string | undefined>) | undefined;

  constructor(entries: Iterable<CertificateEntry> = []) {
    this.#entries = new Map();
    this.#watchers = new Set();
    this.#ticketSecrets = [];
    this.demand = undefined;
    for (const entry of entries) this.#entries.set(entry.id, entry);
  }

  /** All of them. */
  get entries(): readonly CertificateEntry[] {
    return [...this.#entries.values()];
  }

  /** Of these ids as they are by now, or of all of them for a worker that begins. */
  changesOf(ids: Iterable<string> = this.#entries.keys()): CertificateChanges {
    const all = [...ids];
    return {
      entries: all.flatMap((id) => this.#entries.get(id) ?? []),
      deleted: all.filter((id) => !this.#entries.has(id)),
      ticketSecrets: this.#ticketSecrets,
    };
  }

  /** What session tickets are sealed with, the newest first; one before it is still read. */
  get ticketSecrets(): readonly string[] {
    return this.#ticketSecrets;
  }

  /** Hexadecimal, 32 bytes, from a source that nobody can guess. */
  newTicketSecret(secret: string): void {
    this.#ticketSecrets = [secret, ...this.#ticketSecrets].slice(0, TICKET_SECRETS);
    this.#changed("");
  }

  find(id: string): CertificateEntry | undefined {
    return this.#entries.get(id);
  }

  set(entry: CertificateEntry): void {
    this.#entries.set(entry.id, entry);
    this.#changed(entry.id);
  }

  delete(id: string): void {
    if (this.#entries.delete(id)) this.#changed(id);
  }

  /** In a worker: what the main thread has told. */
  learn({ entries, deleted, ticketSecrets }: CertificateChanges): void {
    this.#ticketSecrets = ticketSecrets;
    for (const entry of entries) this.#entries.set(entry.id, entry);
    for (const id of deleted) this.#entries.delete(id);
  }

  /** Told of each change, by its id ("" for secrets of tickets), until the answer is disposed. */
  watch(changed: (id: string) => void): Disposable {
    this.#watchers.add(changed);
    return { [Symbol.dispose]: () => this.#watchers.delete(changed) };
  }

  #changed(id: string): void {
    for (const changed of this.#watchers) changed(id);
  }
}
