/**
 * Memory for small things, outside of the JavaScript heap. A page is cut into slots of one size, so
 * that a slot costs its owner eight bytes and a share of an eighth that it does not use, where a
 * Buffer of its own costs some three hundred. A block is a number: the page and the slot.
 */
export class Slabs<Owner> {
  readonly pageBytes: number;
  readonly #pages: (Page<Owner> | undefined)[];
  readonly #holes: number[]; // places of pages that are gone
  readonly #partial: (Page<Owner> | undefined)[]; // by class: the first in a list with a free slot
  #pageCount: number;

  constructor(pageBytes: number) {
    this.pageBytes = pageBytes;
    this.#pages = [];
    this.#holes = [];
    this.#partial = CLASS_BYTES.map(() => undefined);
    this.#pageCount = 0;
  }

  get bytes(): number {
    return this.#pageCount * this.pageBytes;
  }

  /** Of a page that is there already; -1: it takes another page. */
  take(bytes: number, owner: Owner): number {
    const page = this.#partial[classOf(bytes)];
    return page === undefined ? -1 : this.#takeIn(page, owner);
  }

  addPage(bytes: number): void {
    const place = this.#holes.pop() ?? this.#pages.length;
    const page = new Page<Owner>(place, classOf(bytes), this.pageBytes);
    this.#pages[place] = page;
    this.#pageCount++;
    this.#link(page);
  }

  /** A page left without owners goes. */
  give(block: number): void {
    const page = this.#pageOf(block);
    const wasFull = page.freeCount === 0;
    page.give(block % SLOTS_MAX);
    if (page.freeCount === page.slotCount) this.#drop(page, wasFull);
    else if (wasFull) this.#link(page);
  }

  /** Where it lies: from slotAt() on. */
  pageOf(block: number): { readonly bytes: Buffer; readonly slotBytes: number } {
    return this.#pageOf(block);
  }

  /** Who lives in the page with the fewest owners; [] if there is no page. */
  loneliest(): Owner[] {
    let found: Page<Owner> | undefined;
    for (const page of this.#pages) {
      if (page === undefined) continue;
      if (found === undefined || page.usedBytes < found.usedBytes) found = page;
    }
    return found === undefined ? [] : found.owners.filter((owner) => owner !== undefined);
  }

  #takeIn(page: Page<Owner>, owner: Owner): number {
    const slot = page.take(owner);
    if (page.freeCount === 0) this.#unlink(page);
    return page.place * SLOTS_MAX + slot;
  }

  #pageOf(block: number): Page<Owner> {
    return this.#pages[Math.floor(block / SLOTS_MAX)]!;
  }

  #drop(page: Page<Owner>, wasFull: boolean): void {
    if (!wasFull) this.#unlink(page);
    this.#pages[page.place] = undefined;
    this.#holes.push(page.place);
    this.#pageCount--;
  }

  #link(page: Page<Owner>): void {
    const first = this.#partial[page.sizeClass];
    page.before = undefined;
    page.after = first;
    if (first !== undefined) first.before = page;
    this.#partial[page.sizeClass] = page;
  }

  #unlink(page: Page<Owner>): void {
    const { before, after } = page;
    if (before === undefined) this.#partial[page.sizeClass] = after;
    else before.after = after;
    if (after !== undefined) after.before = before;
    page.before = undefined;
    page.after = undefined;
  }
}

class Page<Owner> {
  readonly place: number;
  readonly sizeClass: number;
  readonly slotBytes: number;
  readonly slotCount: number;
  readonly bytes: Buffer;
  readonly owners: (Owner | undefined)[];
  readonly #free: Uint16Array; // a stack of slots
  freeCount: number;
  before: Page<Owner> | undefined;
  after: Page<Owner> | undefined;

  constructor(place: number, sizeClass: number, pageBytes: number) {
    this.place = place;
    this.sizeClass = sizeClass;
    this.slotBytes = CLASS_BYTES[sizeClass]!;
    this.slotCount = Math.floor(pageBytes / this.slotBytes);
    this.bytes = Buffer.allocUnsafeSlow(pageBytes);
    this.owners = Array.from({ length: this.slotCount }, () => undefined);
    this.#free = Uint16Array.from({ length: this.slotCount }, (_, slot) => slot);
    this.freeCount = this.slotCount;
    this.before = undefined;
    this.after = undefined;
  }

  get usedBytes(): number {
    return (this.slotCount - this.freeCount) * this.slotBytes;
  }

  take(owner: Owner): number {
    const slot = this.#free[--this.freeCount]!;
    this.owners[slot] = owner;
    return slot;
  }

  give(slot: number): void {
    this.owners[slot] = undefined;
    this.#free[this.freeCount++] = slot;
  }
}

const SLOTS_MAX = 2 ** 14; // in a page: 1 MiB of 128 bytes each are 2^13
const SMALLEST_BYTES = 128;
export const SLOT_BYTES_MAX = 20 * 1024;

/** Where a block begins in its page; 0 for one of its own, -1. */
export function slotAt(block: number, slotBytes: number): number {
  return (block & (SLOTS_MAX - 1)) * slotBytes;
}

const FINE_BYTES_MAX = 2 * 1024; // below it objects are many, and what is lost on each counts

/** Each a sixteenth larger than the one before, and an eighth where they are larger. */
const CLASS_BYTES: readonly number[] = classes();

function classes(): number[] {
  const sizes: number[] = [];
  for (let bytes = SMALLEST_BYTES; bytes < SLOT_BYTES_MAX; ) {
    sizes.push(bytes);
    const part = bytes < FINE_BYTES_MAX ? 16 : 8;
    bytes = Math.min(SLOT_BYTES_MAX, Math.ceil((bytes * (part + 1)) / part / 8) * 8);
  }
  return [...sizes, SLOT_BYTES_MAX];
}

/** The smallest that holds so many. */
function classOf(bytes: number): number {
  let low = 0;
  let high = CLASS_BYTES.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (CLASS_BYTES[middle]! < bytes) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What a thing of that size takes, of at most SLOT_BYTES_MAX. */
export function slotBytes(bytes: number): number {
  return CLASS_BYTES[classOf(bytes)]!;
}
