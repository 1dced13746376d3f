import type { Files } from "../../base/files.ts";
import type { Lanes } from "../../base/lanes.ts";
import type { Clock, Log, Timer } from "../../base/world.ts";
import type { Step } from "../../core/filter.ts";
import { CACHE_DISK_ORDERS_MAX, CACHE_DISK_WAIT_MS } from "../../core/limits.ts";
import type { Channel } from "../../core/machine.ts";
import type { DiskCounts } from "../../core/worker.ts";
import type { StoredResponse, Wanted } from "../cache-store.ts";
import type { PurgeOrder } from "../purge-orders.ts";
import type { Promotion } from "./disk-finder.ts";
import type { DiskMessage } from "./disk-message.ts";
import { DiskShare } from "./disk-share.ts";
import { DiskStore } from "./disk-store.ts";
import { FaultLog } from "./fault-log.ts";
import { FolderKeeper, readFormat } from "./folder-keeper.ts";
import { FORMAT } from "./record.ts";

const RETRY_MS = 10_000;
const LEAVE_MS = 6_000;
const USERS = 0; // the cell of the lanes

export interface DiskTierParts {
  readonly files: Files;
  readonly clock: Clock;
  readonly log: Log;
  readonly folder: string;
  readonly worker: number;
  readonly workers: number;
  readonly keeps: boolean; // this thread holds the folder for the process
  readonly serves: boolean; // this thread has a store in it
  readonly shared: SharedArrayBuffer; // of DiskShare.byteLength
  readonly lanes: Lanes; // who has a store open
  readonly channel: Channel;
  readonly variantsMax: number;
}

/** What the tier in front of it has to do with it. */
export interface InFront {
  oldestSerial(): number;
  promotion(): Promotion;
}

const ALL: PurgeOrder = { kind: "all", isSoft: false };

const NOTHING: DiskCounts = {
  ...{ bytes: 0, objects: 0, reads: 0, writes: 0, skipped: 0, evictions: 0, errors: 0 },
};

type Message = DiskMessage | { readonly kind: "changed" };

/**
 * A folder, and this worker's store in it while it is ours: it opens when the keeper has the folder, and
 * is shut when the folder is to be another process's. What is purged while it is shut is so once it opens.
 */
export class DiskTier {
  readonly share: DiskShare;
  readonly #parts: DiskTierParts;
  readonly #keeper: FolderKeeper | undefined;
  #store: DiskStore | undefined;
  #front: InFront | undefined;
  #bytesMax: number;
  #waiting: PurgeOrder[]; // for a store to open
  #retry: Timer | undefined;
  #turn: Promise<void>; // of opening and shutting, one after the other
  #isOver: boolean;
  #isKnown: boolean; // whether there is a store, or will be none for a while
  readonly #known: Promise<void>;
  #nowKnown: () => void;
  readonly #faults: FaultLog;

  constructor(parts: DiskTierParts) {
    const { lanes, keeps } = parts;
    this.share = new DiskShare(parts.shared);
    this.#parts = parts;
    this.#keeper = keeps
      ? new FolderKeeper({
          ...parts,
          share: this.share,
          users: () => lanes.sum(USERS),
          changed: () => this.#changed(),
        })
      : undefined;
    this.#store = undefined;
    this.#front = undefined;
    this.#bytesMax = 0;
    this.#waiting = [];
    this.#retry = undefined;
    this.#turn = Promise.resolve();
    this.#isOver = false;
    this.#isKnown = false;
    this.#nowKnown = () => {};
    this.#known = new Promise((resolve) => {
      this.#nowKnown = resolve;
    });
    this.#faults = new FaultLog(parts.clock, parts.log, parts.folder);
  }

  /** undefined: there is none now. */
  get store(): DiskStore | undefined {
    return this.#store;
  }

  get stats(): DiskCounts {
    const faults = this.#faults.count + (this.#keeper?.faultCount ?? 0);
    const stats = this.#store?.stats ?? NOTHING;
    return { ...stats, errors: stats.errors + faults };
  }

  /** From now on; once more where the budget is another. */
  open(bytesMax: number, front: InFront): void {
    this.#bytesMax = bytesMax;
    this.#store?.resize(bytesMax);
    if (this.#front !== undefined) return;
    this.#front = front;
    if (this.#parts.serves) {
      this.#parts.clock.after(CACHE_DISK_WAIT_MS, () => this.#know());
      this.#parts.channel.onMessage = (message) => this.#learn(message as Message);
      this.#follow();
    }
    this.#keeper?.start();
  }

  /** Right after a start it is waited for: what is on disk is to be found from the first request on. */
  recall(wanted: Wanted): Promise<StoredResponse | undefined> | undefined {
    if (this.#store !== undefined || this.#isKnown) return this.#store?.recall(wanted);
    return this.#known.then(() => this.#store?.recall(wanted));
  }

  purge(order: PurgeOrder): Step<number> {
    const store = this.#store;
    if (store?.isLoading === false) return store.purge(order);
    // Also while it loads: that may fail.
    if (this.#parts.serves) this.#waiting.push(order);
    if (this.#waiting.length > CACHE_DISK_ORDERS_MAX) this.#waiting = [ALL];
    return store?.purge(order) ?? 0;
  }

  /** Another process is to have the folder; this one serves on without. */
  async leave(): Promise<void> {
    this.#isOver = true;
    this.#retry?.cancel();
    this.#follow();
    // Our own store first: then the keeper need not wait, with a timer that keeps no process alive.
    const left = this.#turn.then(() => this.#keeper?.leave());
    let late: Timer | undefined;
    const waited = new Promise<void>((resolve) => {
      late = this.#parts.clock.after(LEAVE_MS, resolve);
    });
    await Promise.race([left, waited]); // a disk may hang
    late?.cancel();
    this.#parts.channel.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.leave();
  }

  #changed(): void {
    this.#parts.channel.post({ kind: "changed" } satisfies Message);
    if (this.#parts.serves) this.#follow();
  }

  #learn(message: Message): void {
    if (message.kind === "changed") this.#follow();
    else this.#store?.learn(message);
  }

  /** Opens or shuts, as the folder's state is. */
  #follow(): void {
    this.#turn = this.#turn.then(() => this.#step());
  }

  async #step(): Promise<void> {
    await this.#openOrShut();
    if (this.share.state !== "unknown") this.#know();
  }

  #know(): void {
    this.#isKnown = true;
    this.#nowKnown();
  }

  async #openOrShut(): Promise<void> {
    const isWanted = !this.#isOver && this.share.state === "open";
    if (isWanted === (this.#store !== undefined)) return;
    if (isWanted) await this.#openStore();
    else await this.#shutStore();
  }

  async #openStore(): Promise<void> {
    const { files, folder, lanes, clock, channel } = this.#parts;
    lanes.add(USERS, 1);
    let store: DiskStore | undefined;
    try {
      const said = await readFormat(files, folder);
      if (said?.format !== FORMAT) throw new Error("it is of another format");
      const front = this.#front!;
      store = new DiskStore(
        {
          ...this.#parts,
          secret: said.secret,
          share: this.share,
          oldestSerial: () => front.oldestSerial(),
          promotion: () => front.promotion(),
          tell: (message) => channel.post(message),
        },
        this.#bytesMax,
      );
      // From here on lookups wait for it, and come after what was purged before.
      this.#store = store;
      this.#know();
      const loading = store.load();
      for (const order of this.#waiting) void store.purge(order);
      await loading;
      this.#waiting = [];
    } catch (error) {
      this.#store = undefined;
      await store?.close().catch(() => {});
      lanes.add(USERS, -1);
      this.#faults.tell("cannot be opened", error);
      if (!this.#isOver) this.#retry = clock.after(RETRY_MS, () => this.#follow());
    }
  }

  async #shutStore(): Promise<void> {
    const store = this.#store!;
    this.#store = undefined;
    await store.close().catch((error: unknown) => this.#faults.tell("cannot be opened", error));
    this.#parts.lanes.add(USERS, -1);
  }
}
