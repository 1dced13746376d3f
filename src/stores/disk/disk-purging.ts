import type { Clock, Log } from "../../base/world.ts";
import type { Step } from "../../core/filter.ts";
import { CACHE_DISK_ORDERS_MAX } from "../../core/limits.ts";
import type { PurgeOrder } from "../purge-orders.ts";
import type { DiskIndex } from "./disk-index.ts";
import type { DiskPurges } from "./disk-purges.ts";
import type { DiskRoom } from "./disk-room.ts";
import type { DiskShare } from "./disk-share.ts";
import type { DiskWriter, Writing } from "./disk-writer.ts";
import type { FaultLog } from "./fault-log.ts";
import { orderOf, removalOf } from "./gone-records.ts";
import type { RecordKeys } from "./record-key.ts";
import type { WrittenOrder } from "./segment-table.ts";
import type { Segments } from "./segments.ts";

const ALL: PurgeOrder = { kind: "all", isSoft: false };

export interface PurgingParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly share: DiskShare;
  readonly keys: RecordKeys;
  readonly index: DiskIndex;
  readonly segments: Segments;
  readonly purges: DiskPurges;
  readonly writer: DiskWriter;
  readonly room: DiskRoom;
  readonly faults: FaultLog;
}

/** Does a purge: at once here, and written down, so that it holds after a crash. */
export class DiskPurging {
  readonly #parts: PurgingParts;

  constructor(parts: PurgingParts) {
    this.#parts = parts;
  }

  /** How many of ours are gone, once it is written. */
  purge(order: PurgeOrder): Step<number> {
    if (order.kind === "url" && !order.isSoft) return this.#purgeUrl(order.value);
    const { log, purges } = this.#parts;
    const wanted = this.#ordered(order);
    const instead = purges.place(wanted);
    if (instead !== undefined) log.warn("too many purges: the disk cache is emptied");
    const placed = instead ?? wanted;
    const written = this.#writeVital(orderOf(placed));
    if (placed.order.kind === "all" && !placed.order.isSoft) return this.#empty(written);
    return written.then(() => 0);
  }

  #purgeUrl(url: string): Step<number> {
    const { keys, index, purges, segments, share } = this.#parts;
    const serial = share.tick();
    const key = keys.ofUrl(url);
    purges.placeUrl(key, serial);
    const found = index.ofUrl(key);
    if (found.length === 0) return 0;
    const own = found.filter(({ segment }) => segments.get(segment)?.isOwn === true);
    const gone = found.map((each) => {
      index.delete(each.key, serial);
      return this.#writeVital(removalOf(each.key, serial));
    });
    return Promise.all(gone).then(() => own.length);
  }

  async #empty(written: Promise<void>): Promise<number> {
    const { index, segments, room, writer, faults } = this.#parts;
    const count = segments.ownObjects;
    index.clear();
    for (const segment of segments.all()) segment.live = 0;
    await written;
    try {
      await room.dropAll(writer.current);
    } catch (error) {
      faults.tell("cannot be emptied", error);
    }
    return count;
  }

  #ordered(order: PurgeOrder): WrittenOrder {
    const { share, clock } = this.#parts;
    return { order, serial: share.tick(), atWallMs: clock.wallMs() };
  }

  #writeVital(writing: Omit<Writing, "over" | "isVital">): Promise<void> {
    const { writer, purges } = this.#parts;
    // The disk does not take any: when it does, one order stands for all of them.
    if (writer.vitalCount >= CACHE_DISK_ORDERS_MAX) {
      writer.dropVital();
      const all = this.#ordered(ALL);
      purges.place(all);
      return this.#writeVital(orderOf(all));
    }
    return new Promise((resolve) => {
      const isTaken = writer.add({ ...writing, isVital: true, over: () => resolve() });
      if (!isTaken) resolve();
    });
  }
}
