import type { NameSet } from "./name-set.ts";

export const DROP = 1;
export const DROP_RECEIVED = 2; // and keep what was added here

/** Is given the fields of a list, one by one. */
export interface FieldListener {
  /** `id`: as in header-id.ts. `name`: of any case. */
  take(id: number, name: string, value: string): void;
}

/** The fields that were added to a list, in order, behind those that it came with. */
export class AddedFields {
  readonly #ids: number[];
  readonly #names: string[];
  readonly #values: string[];

  constructor() {
    this.#ids = [];
    this.#names = [];
    this.#values = [];
  }

  copy(): AddedFields {
    const copy = new AddedFields();
    for (let at = 0; at < this.#ids.length; at++) {
      copy.add(this.#ids[at]!, this.#names[at]!, this.#values[at]!);
    }
    return copy;
  }

  add(id: number, name: string, value: string): void {
    this.#ids.push(id);
    this.#names.push(name);
    this.#values.push(value);
  }

  /** The value of the first with that number, which is not OTHER. */
  first(id: number): string | undefined {
    const at = this.#ids.indexOf(id);
    return at < 0 ? undefined : this.#values[at];
  }

  firstNamed(lower: string): string | undefined {
    for (let at = 0; at < this.#names.length; at++) {
      if (this.#names[at]!.toLowerCase() === lower) return this.#values[at];
    }
    return undefined;
  }

  pushAll(values: string[], lower: string): void {
    for (let at = 0; at < this.#names.length; at++) {
      if (this.#names[at]!.toLowerCase() === lower) values.push(this.#values[at]!);
    }
  }

  each(visit: (name: string, value: string) => void): void {
    for (let at = 0; at < this.#names.length; at++) visit(this.#names[at]!, this.#values[at]!);
  }

  /** As HeaderList.give(). */
  give(taker: FieldListener, drop: Uint8Array): void {
    const ids = this.#ids;
    for (let at = 0; at < ids.length; at++) {
      if (drop[ids[at]!] !== DROP) taker.take(ids[at]!, this.#names[at]!, this.#values[at]!);
    }
  }

  delete(lower: string): void {
    for (let at = this.#names.length - 1; at >= 0; at--) {
      if (this.#names[at]!.toLowerCase() === lower) this.#drop(at);
    }
  }

  deleteAll(names: NameSet): void {
    for (let at = this.#names.length - 1; at >= 0; at--) {
      const name = this.#names[at]!;
      if (names.holds(this.#ids[at]!, name, 0, name.length)) this.#drop(at);
    }
  }

  /** As HeaderList.lines(). */
  lines(drop: Uint8Array): string {
    const ids = this.#ids;
    let out = "";
    for (let at = 0; at < ids.length; at++) {
      if (drop[ids[at]!] !== DROP) out += `${this.#names[at]!}: ${this.#values[at]!}\r\n`;
    }
    return out;
  }

  #drop(at: number): void {
    this.#ids.splice(at, 1);
    this.#names.splice(at, 1);
    this.#values.splice(at, 1);
  }
}
