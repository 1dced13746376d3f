/**
 * Where accounts, certificates and the proofs for challenges are kept, for one instance or several
 * that share it. Keys are paths of at most four plain words, "certificates/example.com.json".
 * A write is whole or not at all; errors of the medium reject.
 */
export interface CertificateStorage {
  read(key: string): Promise<string | undefined>;
  write(key: string, text: string): Promise<void>;
  delete(key: string): Promise<void>;
  /** The keys directly below a folder. */
  list(folder: string): Promise<readonly string[]>;
  /** One holder at a time, among all that share the storage; undefined after `waitMs`. */
  lock(name: string, waitMs: number): Promise<StorageLock | undefined>;
}

export interface StorageLock extends AsyncDisposable {
  /** It was taken away, since nothing was heard of us: another one may be at work by now. */
  readonly isLost: boolean;
}

const KEY = /^(?:[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}\/){0,3}[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}$/;

/** What a key may be: it becomes a path, and parts of it come from a CA or from a client. */
export function isStorageKey(key: string): boolean {
  return KEY.test(key);
}

/** A name of a certificate as part of a key: no wildcard's star, no colons of an address. */
export function keyPartOf(name: string): string {
  return name.replace(/^\*/, "_").replaceAll(":", "-");
}
