/**
 * Files that the program keeps for itself and nobody else writes. Everything rejects with the
 * system's error, and may take as long as a disk may take.
 */
export interface Files {
  readonly self: ProcessOnDisk;
  /** Nobody else may look into it; one that is there already stays as it is. */
  makeFolder(path: string): Promise<void>;
  /** The names in a folder. */
  list(path: string): Promise<readonly string[]>;
  /**
   * "create": it must not be there yet. What is no plain file is refused, and so is a symbolic
   * link, which would lead a writer out of its folder.
   */
  open(path: string, how: "read" | "create"): Promise<OpenFile>;
  rename(from: string, to: string): Promise<void>;
  /** Rejects with EEXIST where `to` is there: of many who try, one succeeds. */
  link(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
}

/** Who we are, for other processes that use the same disk. */
export interface ProcessOnDisk {
  readonly host: string;
  readonly pid: number;
  /** Of a process of this host, another text for each; undefined: it is no more. */
  lifeOf(pid: number): string | undefined;
}

/** A close waits for nobody: whoever reads or writes sees to it that nothing is under way. */
export interface OpenFile {
  readonly bytes: number; // when it was opened
  /** Fills the buffer as far as the file goes; how much that was. */
  read(into: Uint8Array, at: number): Promise<number>;
  /** All of them, one behind the other. */
  write(parts: readonly Uint8Array[], at: number): Promise<void>;
  /** What was written outlives the machine. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export function errorCode(error: unknown): string {
  const code = (error as { readonly code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : "";
}
