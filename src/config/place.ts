/** Where in a text things stand, so that a problem can point at them. */
import type { Path } from "../core/feature.ts";

/** A value of the config in its text: offsets, and the same for what is inside it. */
export interface Place {
  readonly start: number; // where the value begins
  readonly keyStart: number | undefined; // where its key begins, if it has one
  readonly children: ReadonlyMap<string | number, Place> | undefined;
}

export interface Position {
  readonly line: number; // from 1
  readonly column: number; // from 1, in UTF-16 units, as editors count
}

/** The place of a value, or of the nearest thing around it that was written down. */
export function placeOffset(root: Place, path: Path, on: "key" | "value"): number {
  let place = root;
  for (const [depth, step] of path.entries()) {
    const child = place.children?.get(step);
    if (child === undefined) return depth === 0 ? place.start : (place.keyStart ?? place.start);
    place = child;
  }
  return on === "key" ? (place.keyStart ?? place.start) : place.start;
}

/** The lines of a text, to turn offsets into positions. */
export class Lines {
  readonly #text: string;
  readonly #starts: number[];

  constructor(text: string) {
    this.#text = text;
    this.#starts = [0];
    for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) {
      this.#starts.push(at + 1);
    }
  }

  position(offset: number): Position {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - this.#starts[low]! + 1 };
  }

  /** One line, without its end. */
  line(number: number): string {
    const start = this.#starts[number - 1] ?? this.#text.length;
    const end = this.#starts[number] ?? this.#text.length + 1;
    return this.#text.slice(start, end - 1).replace(/\r$/, "");
  }
}
