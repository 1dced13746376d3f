import { CACHE_DISK_ORDERS_MAX, CACHE_DISK_PREFIXES_MAX } from "../../core/limits.ts";
import { tagsOf } from "../../protocol/caching/cache-tags.ts";
import { HeaderList } from "../../protocol/http/header-list.ts";
import { type PurgeOrder, PurgeOrders, type Verdict } from "../purge-orders.ts";
import type { RecordKey } from "./record-key.ts";
import type { WrittenOrder } from "./segment-table.ts";

const URLS_MAX = 4_096;
const ALL: PurgeOrder = { kind: "all", isSoft: false };

/** What an order is held against. */
export interface Judged {
  readonly key: RecordKey;
  readonly url: string;
  readonly lines: string;
  readonly serial: number;
}

/**
 * Purges of what is on disk. Nobody goes through a disk for them: those by tag and prefix are held
 * against a response as it is read, for as long as there is any that is older. Those by URL take their responses
 * out of the index, and are remembered for what is on its way.
 */
export class DiskPurges {
  #orders = new PurgeOrders();
  readonly #urls = new Map<number, number>(); // serials by the first number of a URL's key
  #floor = 0; // what is older, and not on disk yet, is not to get there

  get isNone(): boolean {
    return this.#orders.count === 0;
  }

  /** undefined: as it is; else what is in force instead, since there are too many. */
  place({ order, serial, atWallMs }: WrittenOrder): WrittenOrder | undefined {
    this.#orders.place(order, serial, atWallMs);
    const { count, prefixCount } = this.#orders;
    if (count <= CACHE_DISK_ORDERS_MAX && prefixCount <= CACHE_DISK_PREFIXES_MAX) return undefined;
    this.#orders = new PurgeOrders();
    this.#orders.place(ALL, serial, atWallMs);
    return { order: ALL, serial, atWallMs };
  }

  placeUrl({ first }: Pick<RecordKey, "first">, serial: number): void {
    if (this.#urls.size >= URLS_MAX) {
      this.#urls.clear();
      this.#floor = serial;
    }
    this.#urls.set(first, serial);
  }

  /** May it be found from now on? */
  refuses(judged: Judged): boolean {
    return this.verdict(judged) === "gone";
  }

  refusesKey({ first }: Pick<RecordKey, "first">, serial: number): boolean {
    return serial < this.#floor || serial < (this.#urls.get(first) ?? 0);
  }

  verdict(judged: Judged): Verdict {
    if (this.refusesKey(judged.key, judged.serial)) return "gone";
    return this.isNone ? "stays" : this.#orders.verdict(purgeable(judged));
  }

  staleSinceWallMs(judged: Judged): number {
    return this.#orders.staleSinceMs(purgeable(judged));
  }

  /** Nothing is there any more that is older than that, nor on its way. */
  retire(serial: number): void {
    this.#orders.retire(serial);
  }
}

function purgeable({ url, lines, serial }: Judged) {
  return { url, serial, tags: () => tagsOf(HeaderList.ofLines(lines)) };
}
