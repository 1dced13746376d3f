/** What is to go. `isSoft`: it stays as what is stale, to be asked about. */
export type PurgeOrder =
  | { readonly kind: "all"; readonly isSoft: boolean }
  | { readonly kind: "url" | "prefix" | "tag"; readonly value: string; readonly isSoft: boolean };

/** What an order looks at. */
export interface Purgeable {
  readonly url: string;
  readonly serial: number; // the store's, when the request for it was sent
  tags(): readonly string[];
}

export type Verdict = "stays" | "stale" | "gone";

interface Placed {
  readonly order: PurgeOrder;
  readonly serial: number; // it holds for what is older
  readonly atMs: number; // when it was placed, on a clock of who places it
}

/**
 * Orders in force. They hold for what is stored as it is looked up, at once and however much there
 * is; whoever sweeps the store behind them may then retire them.
 */
export class PurgeOrders {
  readonly #byUrl = new Map<string, Placed>();
  readonly #byTag = new Map<string, Placed>();
  #prefixes: Placed[] = [];
  #all: Placed | undefined;

  get count(): number {
    const others = this.#all === undefined ? 0 : 1;
    return this.#byUrl.size + this.#byTag.size + this.#prefixes.length + others;
  }

  get prefixCount(): number {
    return this.#prefixes.length;
  }

  /** `serial`: above that of everything that the order holds for. */
  place(order: PurgeOrder, serial: number, atMs = 0): void {
    const placed = { order, serial, atMs };
    if (order.kind === "url")
      this.#byUrl.set(order.value, stricter(this.#byUrl.get(order.value), placed));
    else if (order.kind === "tag")
      this.#byTag.set(order.value, stricter(this.#byTag.get(order.value), placed));
    else if (order.kind === "prefix") this.#placePrefix(placed, order.value);
    else this.#all = stricter(this.#all, placed);
  }

  verdict(thing: Purgeable): Verdict {
    let verdict: Verdict = "stays";
    if (this.count === 0) return verdict;
    this.#each(thing, (placed) => {
      verdict = worse(verdict, heldFor(placed, thing));
    });
    return verdict;
  }

  /** Of what is stale by orders: since when. */
  staleSinceMs(thing: Purgeable): number {
    let sinceMs = Number.POSITIVE_INFINITY;
    this.#each(thing, (placed) => {
      if (heldFor(placed, thing) === "stale") sinceMs = Math.min(sinceMs, placed.atMs);
    });
    return sinceMs;
  }

  /** Everything below that serial has been looked at, or is gone. */
  retire(serial: number): void {
    for (const [url, placed] of this.#byUrl) if (placed.serial <= serial) this.#byUrl.delete(url);
    for (const [tag, placed] of this.#byTag) if (placed.serial <= serial) this.#byTag.delete(tag);
    this.#prefixes = this.#prefixes.filter((placed) => placed.serial > serial);
    if (this.#all !== undefined && this.#all.serial <= serial) this.#all = undefined;
  }

  /** Every order that is about such a thing. */
  #each(thing: Purgeable, look: (placed: Placed) => void): void {
    if (this.#all !== undefined) look(this.#all);
    const byUrl = this.#byUrl.get(thing.url);
    if (byUrl !== undefined) look(byUrl);
    for (const placed of this.#prefixes) {
      const { order } = placed;
      if (order.kind === "prefix" && thing.url.startsWith(order.value)) look(placed);
    }
    if (this.#byTag.size === 0) return;
    for (const tag of thing.tags()) {
      const placed = this.#byTag.get(tag);
      if (placed !== undefined) look(placed);
    }
  }

  #placePrefix(placed: Placed, value: string): void {
    // Shorter ones cover longer ones, so that a storm of purges does not make a long list.
    const isCovered = ({ order }: Placed) =>
      order.kind === "prefix" &&
      order.value.startsWith(value) &&
      (order.isSoft || !placed.order.isSoft);
    this.#prefixes = [...this.#prefixes.filter((each) => !isCovered(each)), placed];
  }
}

/** A later one holds for more; one that is not soft stays so for what it holds for. */
function stricter(before: Placed | undefined, placed: Placed): Placed {
  if (before === undefined || !placed.order.isSoft || before.order.isSoft) return placed;
  return { order: before.order, serial: placed.serial, atMs: placed.atMs };
}

function heldFor(placed: Placed, { serial }: Purgeable): Verdict {
  if (serial >= placed.serial) return "stays";
  return placed.order.isSoft ? "stale" : "gone";
}

const ORDER: readonly Verdict[] = ["stays", "stale", "gone"];

function worse(one: Verdict, other: Verdict): Verdict {
  return ORDER.indexOf(one) >= ORDER.indexOf(other) ? one : other;
}
