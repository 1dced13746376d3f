import { headerIdOfText } from "./header-id.ts";
import { dropTable, HeaderList, KnownLines } from "./header-list.ts";
import type { NameSet } from "./name-set.ts";

export type Field = readonly [name: string, value: string];

interface Numbered {
  readonly id: number;
  readonly name: string;
  readonly value: string;
}

/** What is done to field lines whatever they say: fields go, fields come. */
export interface FieldChanges {
  readonly remove?: NameSet | undefined;
  readonly add?: readonly Field[]; // after the others, in this order
  readonly addIfMissing?: readonly Field[]; // before them; missing after the removal
}

/**
 * Changes that are the same for every message. Lines that come again and again are changed once, and
 * what came of it is known from then on (decision 0038).
 */
export class FieldEdits {
  readonly #remove: NameSet | undefined;
  readonly #add: readonly Numbered[];
  readonly #addIfMissing: readonly Numbered[];
  readonly #isNothing: boolean;
  readonly #changed: WeakMap<KnownLines, KnownLines>;

  constructor(changes: FieldChanges) {
    const { remove, add = [], addIfMissing = [] } = changes;
    const isNothing = (remove?.isEmpty ?? true) && add.length === 0 && addIfMissing.length === 0;
    this.#remove = remove;
    this.#add = add.map(numbered);
    this.#addIfMissing = addIfMissing.map(numbered);
    this.#isNothing = isNothing;
    this.#changed = new WeakMap();
  }

  /** A list of its own, or the same one if there is nothing to do. */
  apply(headers: HeaderList): HeaderList {
    if (this.#isNothing) return headers;
    const { known } = headers;
    if (known === undefined) return this.#edited(headers.copy());
    const before = this.#changed.get(known);
    if (before !== undefined) return HeaderList.on(before);
    const lines = this.#edited(HeaderList.on(known)).lines(KEEP_ALL);
    const { offsets } = HeaderList.ofLines(lines);
    const changed = new KnownLines(lines, lines.length, offsets, offsets.length);
    this.#changed.set(known, changed);
    return HeaderList.on(changed);
  }

  #edited(list: HeaderList): HeaderList {
    if (this.#remove !== undefined) list.deleteAll(this.#remove);
    for (const { id, name, value } of this.#addIfMissing) {
      if (!list.has(name)) list.addOwn(name, value, id);
    }
    for (const { id, name, value } of this.#add) list.addOwn(name, value, id);
    return list;
  }
}

function numbered([name, value]: Field): Numbered {
  return { id: headerIdOfText(name), name, value };
}

const KEEP_ALL = dropTable([]);
