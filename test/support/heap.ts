/** What comes first is always at hand. */
export class Heap<Item> {
  readonly #items: Item[] = [];
  readonly #key: (item: Item) => number;

  constructor(key: (item: Item) => number) {
    this.#key = key;
  }

  get size(): number {
    return this.#items.length;
  }

  get first(): Item | undefined {
    return this.#items[0];
  }

  push(item: Item): void {
    const items = this.#items;
    let place = items.push(item) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (this.#key(items[parent]!) <= this.#key(items[place]!)) return;
      [items[parent], items[place]] = [items[place]!, items[parent]!];
      place = parent;
    }
  }

  pop(): Item | undefined {
    const items = this.#items;
    const [first] = items;
    const last = items.pop();
    if (last === undefined || items.length === 0) return first;
    items[0] = last;
    for (let place = 0; ; ) {
      const left = 2 * place + 1;
      let least = place;
      for (const child of [left, left + 1]) {
        if (child < items.length && this.#key(items[child]!) < this.#key(items[least]!)) {
          least = child;
        }
      }
      if (least === place) return first;
      [items[least], items[place]] = [items[place]!, items[least]!];
      place = least;
    }
  }
}
