import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

/** A file with the number of the process that serves; after an upgrade that of the new one. */
export class PidFile {
  readonly #path: string | undefined;

  constructor(path: string | undefined) {
    this.#path = path;
  }

  /** Whole or not at all: who reads it must not find half a number. */
  write(): void {
    if (this.#path === undefined) return;
    const beside = `${this.#path}.${process.pid}`;
    writeFileSync(beside, `${process.pid}\n`);
    renameSync(beside, this.#path);
  }

  /** Unless another process has its number there by now. */
  remove(): void {
    if (this.#path === undefined) return;
    try {
      if (Number(readFileSync(this.#path, "utf8")) === process.pid) rmSync(this.#path);
    } catch {
      // It is gone, which is what was wanted.
    }
  }
}
