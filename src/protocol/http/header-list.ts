import { AddedFields, DROP, DROP_RECEIVED, type FieldListener } from "./added-fields.ts";
import { HEADER_ID_COUNT, headerIdOfText, OTHER } from "./header-id.ts";
import type { NameSet } from "./name-set.ts";

export type { FieldListener };

// Five numbers a field. A line ends where the next one starts, the last one at `linesEnd`.
const STRIDE = 5; // the first is the name's number, or DROPPED
const LINE = 1; // where the line starts
const COLON = 2; // just past the name
const VALUE = 3; // just past the leading whitespace
const VALUE_END = 4; // before the trailing whitespace
const DROPPED = -1;

/**
 * Field lines that came before and have come again byte by byte: several lists stand on them, and
 * what was made of them for one holds for all. Nobody changes them.
 */
export class KnownLines {
  readonly text: string;
  readonly linesEnd: number;
  readonly fields: readonly number[];
  readonly fieldsEnd: number;
  #drop: Uint8Array | undefined;
  #kept: string; // what `#drop` leaves of them

  /** As HeaderList takes them. */
  constructor(text: string, linesEnd: number, fields: readonly number[], fieldsEnd: number) {
    this.text = text;
    this.linesEnd = linesEnd;
    this.fields = fields;
    this.fieldsEnd = fieldsEnd;
    this.#drop = undefined;
    this.#kept = "";
  }

  /** As HeaderList.lines() has it; a connection asks for the same each time. */
  kept(drop: Uint8Array): string {
    if (drop !== this.#drop) {
      this.#drop = drop;
      this.#kept = keptLines(this.text, this.linesEnd, this.fields, this.fieldsEnd, drop);
    }
    return this.#kept;
  }
}

/**
 * Header lines in arrival order. Names compare without case and keep the case they came with.
 *
 * The lines stay the text they arrived as, with offsets beside them. Fields are dropped by marking
 * and added at the end, so that the lines nobody touched are copied onward as whole runs: a list of
 * string pairs was measured to cost as much as the whole rest of an exchange.
 */
export class HeaderList {
  readonly text: string; // latin1; holds more than the lines (the start line, for one)
  readonly linesEnd: number;
  #fields: readonly number[];
  readonly #fieldsEnd: number;
  #known: KnownLines | undefined; // whose fields these are, until one is dropped
  #added: AddedFields | undefined;

  /** `fields`: as putField() has filled them, up to `fieldsEnd`. */
  constructor(
    text: string,
    linesEnd: number,
    fields: readonly number[],
    fieldsEnd: number,
    known?: KnownLines,
  ) {
    this.text = text;
    this.linesEnd = linesEnd;
    this.#fields = fields;
    this.#fieldsEnd = fieldsEnd;
    this.#known = known;
    this.#added = undefined;
  }

  static on(known: KnownLines): HeaderList {
    return new HeaderList(known.text, known.linesEnd, known.fields, known.fieldsEnd, known);
  }

  static empty(): HeaderList {
    return new HeaderList("", 0, [], 0);
  }

  /** The lines that this list is, if it is as they came and they have come before. */
  get known(): KnownLines | undefined {
    return this.#added === undefined ? this.#known : undefined;
  }

  /** From name, value pairs; for replies, tests and explain. The caller vouches for the bytes. */
  static of(pairs: Readonly<Record<string, string>>): HeaderList {
    const list = HeaderList.empty();
    for (const name in pairs) list.add(name, pairs[name]!);
    return list;
  }

  /** From lines that are known to be sound, each with its CRLF: those of another list, or stored. */
  static ofLines(lines: string): HeaderList {
    const fields: number[] = [];
    let end = 0;
    for (let at = 0; at < lines.length; ) {
      const stop = lines.indexOf("\r\n", at);
      const colon = lines.indexOf(":", at);
      let value = colon + 1;
      let valueEnd = stop;
      while (value < stop && isBlank(lines, value)) value++;
      while (valueEnd > value && isBlank(lines, valueEnd - 1)) valueEnd--;
      end = putField(
        fields,
        end,
        headerIdOfText(lines.slice(at, colon)),
        at,
        colon,
        value,
        valueEnd,
      );
      at = stop + 2;
    }
    return new HeaderList(lines, lines.length, fields, end);
  }

  /** One of its own, to be changed. */
  copy(): HeaderList {
    const fields = this.#fields.slice(0, this.#fieldsEnd);
    const list = new HeaderList(this.text, this.linesEnd, fields, this.#fieldsEnd);
    list.#added = this.#added?.copy();
    return list;
  }

  /** The offsets of a list to which nothing was added, five a field, for it to be made anew. */
  get offsets(): readonly number[] {
    return this.#fields.slice(0, this.#fieldsEnd);
  }

  /** The first value, as it arrived; undefined if there is none. */
  get(name: string): string | undefined {
    const id = headerIdOfText(name);
    return id === OTHER ? this.#firstByName(name.toLowerCase()) : this.first(id);
  }

  /** As get(), for a name that has a number. */
  first(id: number): string | undefined {
    const fields = this.#fields;
    for (let at = 0; at < this.#fieldsEnd; at += STRIDE) {
      if (fields[at] === id) return this.text.slice(fields[at + VALUE]!, fields[at + VALUE_END]!);
    }
    return this.#added?.first(id);
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** All values in order. */
  all(name: string): readonly string[] {
    const id = headerIdOfText(name);
    const wanted = name.toLowerCase();
    const fields = this.#fields;
    const values: string[] = [];
    for (let at = 0; at < this.#fieldsEnd; at += STRIDE) {
      const isIt = fields[at] === id && (id !== OTHER || this.#isNamed(at, wanted));
      if (isIt) values.push(this.text.slice(fields[at + VALUE]!, fields[at + VALUE_END]!));
    }
    this.#added?.pushAll(values, wanted);
    return values;
  }

  /** Every field that is still there, arrival order first, then what was added. */
  each(visit: (name: string, value: string) => void): void {
    const fields = this.#fields;
    for (let at = 0; at < this.#fieldsEnd; at += STRIDE) {
      if (fields[at] === DROPPED) continue;
      visit(this.#nameAt(at), this.text.slice(fields[at + VALUE]!, fields[at + VALUE_END]!));
    }
    this.#added?.each(visit);
  }

  /** Replaces every field of that name. Throws if the value could end the line (P2). */
  set(name: string, value: string): void {
    assertField(name, value); // before anything is gone
    this.delete(name);
    this.add(name, value);
  }

  /** Adds a field after the others. Throws if the value could end the line (P2). */
  add(name: string, value: string): void {
    assertField(name, value);
    this.addOwn(name, value);
  }

  /** As add(), for what is made of words and numbers of our own, or known to be sound. */
  addOwn(name: string, value: string, id: number = headerIdOfText(name)): void {
    this.#added ??= new AddedFields();
    this.#added.add(id, name, value);
  }

  delete(name: string): void {
    const id = headerIdOfText(name);
    const lower = name.toLowerCase();
    const fields = this.#fields;
    for (let at = 0; at < this.#fieldsEnd; at += STRIDE) {
      const isIt =
        id === OTHER ? fields[at] === OTHER && this.#isNamed(at, lower) : fields[at] === id;
      if (isIt) this.#drop(at);
    }
    this.#added?.delete(lower);
  }

  /** Drops every field that the set holds, in one pass. */
  deleteAll(names: NameSet): void {
    for (let at = 0; at < this.#fieldsEnd; at += STRIDE) {
      const fields = this.#fields;
      const id = fields[at]!;
      if (id === DROPPED) continue;
      if (names.holds(id, this.text, fields[at + LINE]!, fields[at + COLON]!)) this.#drop(at);
    }
    this.#added?.deleteAll(names);
  }

  /**
   * The lines to send on, each with its CRLF: all but those whose number is marked in `drop`
   * (HEADER_ID_COUNT entries, DROP or DROP_RECEIVED to drop).
   */
  lines(drop: Uint8Array): string {
    const out =
      this.#known === undefined
        ? keptLines(this.text, this.linesEnd, this.#fields, this.#fieldsEnd, drop)
        : this.#known.kept(drop);
    return this.#added === undefined ? out : out + this.#added.lines(drop);
  }

  /** As lines(), field by field. */
  give(taker: FieldListener, drop: Uint8Array): void {
    const fields = this.#fields;
    for (let at = 0; at < this.#fieldsEnd; at += STRIDE) {
      const id = fields[at]!;
      if (id === DROPPED || drop[id] !== 0) continue;
      const value = this.text.slice(fields[at + VALUE]!, fields[at + VALUE_END]!);
      taker.take(id, this.#nameAt(at), value);
    }
    this.#added?.give(taker, drop);
  }

  #drop(at: number): void {
    if (this.#known !== undefined) {
      this.#known = undefined;
      this.#fields = this.#fields.slice();
    }
    (this.#fields as number[])[at] = DROPPED; // ours: the parser's, or the copy
  }

  #firstByName(lower: string): string | undefined {
    const fields = this.#fields;
    for (let at = 0; at < this.#fieldsEnd; at += STRIDE) {
      if (fields[at] === OTHER && this.#isNamed(at, lower)) {
        return this.text.slice(fields[at + VALUE]!, fields[at + VALUE_END]!);
      }
    }
    return this.#added?.firstNamed(lower);
  }

  #isNamed(at: number, lower: string): boolean {
    const fields = this.#fields;
    if (fields[at + COLON]! - fields[at + LINE]! !== lower.length) return false;
    return this.#nameAt(at).toLowerCase() === lower;
  }

  #nameAt(at: number): string {
    return this.text.slice(this.#fields[at + LINE]!, this.#fields[at + COLON]!);
  }
}

function isBlank(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === 0x20 || code === 0x09;
}

function keptLines(
  text: string,
  linesEnd: number,
  fields: readonly number[],
  fieldsEnd: number,
  drop: Uint8Array,
): string {
  let out = "";
  let runAt = -1; // the first line of the run that is being kept
  for (let at = 0; at < fieldsEnd; at += STRIDE) {
    const id = fields[at]!;
    const isKept = id !== DROPPED && drop[id] === 0;
    if (isKept) {
      if (runAt < 0) runAt = fields[at + LINE]!;
    } else if (runAt >= 0) {
      out += text.slice(runAt, fields[at + LINE]!);
      runAt = -1;
    }
  }
  return runAt >= 0 ? out + text.slice(runAt, linesEnd) : out;
}

function assertField(name: string, value: string): void {
  if (!isFieldName(name)) throw new TypeError(`Cannot add a header: not a field name: ${name}`);
  if (!isFieldValue(value)) {
    throw new TypeError(`Cannot add the header ${name}: the value has a control character`);
  }
}

/** Five numbers a field, filled in by the parser in this order; answers with the new end. */
export function putField(
  fields: number[],
  end: number,
  id: number,
  line: number,
  colon: number,
  value: number,
  valueEnd: number,
): number {
  fields[end] = id;
  fields[end + LINE] = line;
  fields[end + COLON] = colon;
  fields[end + VALUE] = value;
  fields[end + VALUE_END] = valueEnd;
  return end + STRIDE;
}

/** A drop table for HeaderList.lines. `received`: those that only go if we have not added them. */
export function dropTable(ids: readonly number[], received: readonly number[] = []): Uint8Array {
  const table = new Uint8Array(HEADER_ID_COUNT);
  for (const id of received) table[id] = DROP_RECEIVED;
  for (const id of ids) table[id] = DROP;
  return table;
}

/** RFC 9110 §5.6.2: a token. */
export function isFieldName(name: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name);
}

/** RFC 9110 §5.5: visible characters, spaces, tabs and obs-text, in latin1. */
export function isFieldValue(value: string): boolean {
  for (let index = 0; index < value.length; index++) {
    const code = value.charCodeAt(index);
    if ((code < 0x20 && code !== 0x09) || code === 0x7f || code > 0xff) return false;
  }
  return true;
}
