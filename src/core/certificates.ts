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
  readonly staples: readonly StapledAnswer[]; // of those entries; the others have none
  readonly ticketSecrets: readonly string[];
}

/** What a CA says of a certificate (OCSP), sent along with it. */
export interface StapledAnswer {
  readonly id: string; // of the certificate
  readonly bytes: Uint8Array;
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
  readonly #staples: Map<string, Uint8Array>; // by id
  readonly #watchers: Set<(id: string) => void>;
  #ticketSecrets: readonly string[];
  /** Set by who can get one for a name that no config has; the id is that of the new entry. */
  demand: ((name: string) => Promise<string | undefined>) | undefined;

  constructor(entries: Iterable<CertificateEntry> = []) {
    this.#entries = new Map();
    this.#staples = new Map();
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
      staples: all.flatMap((id) => {
        const bytes = this.#staples.get(id);
        return bytes === undefined ? [] : [{ id, bytes }];
      }),
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

  /** What is stapled to it in handshakes, if anything is. */
  stapleOf(id: string): Uint8Array | undefined {
    return this.#staples.get(id);
  }

  /** Another one takes its place without what was stapled to it. */
  set(entry: CertificateEntry): void {
    if (this.#entries.get(entry.id)?.cert !== entry.cert) this.#staples.delete(entry.id);
    this.#entries.set(entry.id, entry);
    this.#changed(entry.id);
  }

  /** `bytes`: an answer about this entry that was verified; undefined: none any more. */
  staple(id: string, bytes: Uint8Array | undefined): void {
    if (bytes === undefined) this.#staples.delete(id);
    else this.#staples.set(id, bytes);
    this.#changed(id);
  }

  delete(id: string): void {
    this.#staples.delete(id);
    if (this.#entries.delete(id)) this.#changed(id);
  }

  /** In a worker: what the main thread has told. */
  learn({ entries, deleted, staples, ticketSecrets }: CertificateChanges): void {
    this.#ticketSecrets = ticketSecrets;
    for (const entry of entries) {
      // What was made of it hangs off the object, and it may be its staple alone that changed.
      if (!isSame(this.#entries.get(entry.id), entry)) this.#entries.set(entry.id, entry);
      this.#staples.delete(entry.id);
    }
    for (const id of deleted) {
      this.#entries.delete(id);
      this.#staples.delete(id);
    }
    for (const { id, bytes } of staples) this.#staples.set(id, bytes);
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

function isSame(known: CertificateEntry | undefined, entry: CertificateEntry): boolean {
  return known !== undefined && known.cert === entry.cert && known.key === entry.key;
}
