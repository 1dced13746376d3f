/** Live things that outlive a reload, each under the key of what it is about. */
export interface SharedState {
  draft(): StateDraft;
}

/** What one compile keeps. A draft that is discarded changes nothing. */
export interface StateDraft {
  keep<T>(key: string, make: () => T): T; // the one there is, or a new one
  /** For what is kept and changes with the config: takes effect with the swap and not before it. */
  onCommit(change: () => void): void;
  commit(): void; // lets go of everything this draft did not keep
  discard(): void; // lets go of what this draft made; nothing after commit()
}
