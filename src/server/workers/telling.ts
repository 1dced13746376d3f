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
    setImmediate(() => {
      this.#isDue = false;
      this.#tell();
    });
  }
}
