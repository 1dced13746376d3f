/** The file cannot be used; the message completes "FILE …". */
export class MmdbError extends Error {
  constructor(why: string) {
    super(why);
    this.name = "MmdbError";
  }
}

// Types of values, by the first three bits of their control byte, or by a byte of their own.
const EXTENDED = 0;
const POINTER = 1;
const TEXT = 2;
const UINT16 = 5;
const UINT32 = 6;
const MAP = 7;
const UINT64 = 9;
const ARRAY = 11;
const BOOLEAN = 14;
const FLOAT = 15;
const TYPE_MAX = FLOAT;

const DEPTH_MAX = 32;

/** One value: what and where it is. */
interface Value {
  readonly type: number;
  readonly size: number; // bytes, or members of a map or an array
  readonly at: number; // its first byte
  readonly end: number; // past it, if it has no members; of a pointer, past the pointer
}

/** The values of a database; positions are counted from where they begin. */
export class MmdbData {
  readonly #bytes: Buffer;
  readonly #from: number;
  readonly #end: number;

  constructor(bytes: Buffer, from: number, end: number) {
    this.#bytes = bytes;
    this.#from = from;
    this.#end = end;
  }

  textAt(position: number, path: readonly string[]): string | undefined {
    const value = this.#inner(this.#follow(position), path);
    return value?.type === TEXT ? this.#text(value) : undefined;
  }

  /** Of whole numbers, those that a double holds exactly. */
  numberAt(position: number, path: readonly string[]): number | undefined {
    const value = this.#inner(this.#follow(position), path);
    const isNumber = value?.type === UINT16 || value?.type === UINT32 || value?.type === UINT64;
    return isNumber ? this.#unsigned(value!) : undefined;
  }

  /** Throws if the value, or one within, is not whole. */
  check(position: number): void {
    this.#skip(this.#follow(position), 0);
  }

  #inner(outer: Value, path: readonly string[]): Value | undefined {
    let value = outer;
    for (const name of path) {
      const next = value.type === MAP ? this.#member(value, name) : undefined;
      if (next === undefined) return undefined;
      value = next;
    }
    return value;
  }

  #member(map: Value, name: string): Value | undefined {
    let at = map.at;
    for (let count = 0; count < map.size; count++) {
      const key = this.#resolved(this.#read(at));
      if (key.type !== TEXT) throw new MmdbError("has a map with keys that are no text");
      at = this.#afterOne(at);
      if (this.#text(key) === name) return this.#resolved(this.#read(at));
      at = this.#skip(this.#read(at), 0);
    }
    return undefined;
  }

  /** Past a key: a text, or a pointer to one. */
  #afterOne(at: number): number {
    return this.#read(at).end;
  }

  #follow(position: number): Value {
    return this.#resolved(this.#read(this.#from + position));
  }

  #resolved(value: Value): Value {
    if (value.type !== POINTER) return value;
    const target = this.#read(this.#from + value.size);
    if (target.type === POINTER) throw new MmdbError("has a pointer to a pointer");
    return target;
  }

  /** Past the value and all that is in it; what pointers lead to is not in it. */
  #skip(value: Value, depth: number): number {
    if (value.type !== MAP && value.type !== ARRAY) return value.end;
    if (depth > DEPTH_MAX) throw new MmdbError("has values that are nested too deeply");
    const count = value.type === MAP ? value.size * 2 : value.size;
    let at = value.at;
    for (let index = 0; index < count; index++) at = this.#skip(this.#read(at), depth + 1);
    return at;
  }

  #read(position: number): Value {
    const control = this.#byte(position);
    let at = position + 1;
    let type = control >>> 5;
    if (type === POINTER) return this.#pointer(control, at);
    if (type === EXTENDED) type = 7 + this.#byte(at++);
    if (type > TYPE_MAX || (type === 7 && control >>> 5 === EXTENDED))
      throw new MmdbError("has a value of no known type");
    let size = control & 31;
    if (size >= 29) {
      const more = size - 28;
      size = [0, 29, 285, 65_821][more]! + this.#number(at, more);
      at += more;
    }
    const bytes = type === MAP || type === ARRAY || type === BOOLEAN ? 0 : size;
    if (at + bytes > this.#end) throw new MmdbError("has a value that is cut short");
    return { type, size, at, end: at + bytes };
  }

  #pointer(control: number, at: number): Value {
    const more = ((control >>> 3) & 3) + 1;
    const high = more === 4 ? 0 : control & 7;
    const base = [0, 0, 2_048, 526_336, 0][more]!;
    const target = high * 256 ** more + this.#number(at, more) + base;
    return { type: POINTER, size: target, at, end: at + more };
  }

  #number(at: number, count: number): number {
    let value = 0;
    for (let index = 0; index < count; index++) value = value * 256 + this.#byte(at + index);
    return value;
  }

  #unsigned({ at, size }: Value): number | undefined {
    const value = this.#number(at, size);
    return Number.isSafeInteger(value) ? value : undefined;
  }

  #text({ at, size }: Value): string {
    return this.#bytes.toString("utf8", at, at + size);
  }

  #byte(at: number): number {
    if (at < this.#from || at >= this.#end) throw new MmdbError("has a value that is cut short");
    return this.#bytes[at]!;
  }
}
