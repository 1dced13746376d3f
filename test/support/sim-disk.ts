import { Lanes } from "../../src/base/lanes.ts";
import type { Channel } from "../../src/core/machine.ts";
import type { StoredBody, StoredResponse } from "../../src/stores/cache-store.ts";
import { DiskShare } from "../../src/stores/disk/disk-share.ts";
import { DiskTier } from "../../src/stores/disk/disk-tier.ts";
import { MemoryStore } from "../../src/stores/memory/memory-store.ts";
import { TieredStore } from "../../src/stores/tiered-store.ts";
import { put, responseOf } from "./cache-store-suite.ts";
import { SimClock } from "./sim-clock.ts";
import { SimFiles } from "./sim-files.ts";

export const FOLDER = "/cache";
const MIB = 1024 * 1024;

export interface SimDiskOptions {
  readonly memoryBytes?: number; // 0: everything comes from disk
  readonly diskBytes?: number; // of each worker
  readonly variantsMax?: number;
  readonly workers?: number;
  readonly files?: SimFiles;
  readonly clock?: SimClock;
  readonly pid?: number;
}

export interface SimLine {
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface SimTier {
  readonly store: TieredStore;
  readonly tier: DiskTier;
}

/** One process with its workers, on a disk in memory. */
export class SimDisk {
  readonly files: SimFiles;
  readonly clock: SimClock;
  readonly lines: SimLine[] = [];
  readonly options: SimDiskOptions;
  readonly tiers: readonly SimTier[];
  readonly #shared: SharedArrayBuffer;
  readonly #users: SharedArrayBuffer;
  readonly #channels: SimChannel[];

  constructor(options: SimDiskOptions = {}) {
    const { workers = 1 } = options;
    this.options = options;
    this.files = options.files ?? new SimFiles();
    this.clock = options.clock ?? new SimClock();
    this.#shared = new SharedArrayBuffer(DiskShare.byteLength);
    this.#users = new SharedArrayBuffer(Lanes.byteLength(workers));
    this.#channels = [];
    this.tiers = Array.from({ length: workers }, (_, worker) => this.#tier(worker));
  }

  /** Another one in the place of a worker that is no more. */
  replace(worker: number): SimTier {
    new Lanes(this.#users, worker).clear(worker);
    return this.#tier(worker);
  }

  #tier(worker: number): SimTier {
    const { workers = 1, memoryBytes = 0, diskBytes = 64 * MIB, variantsMax = 4 } = this.options;
    const self = { ...this.files.self, pid: this.options.pid ?? 1 };
    const channel = new SimChannel(this.#channels);
    const later = (act: () => void) => void this.clock.after(0, act);
    const memory = new MemoryStore({ bytesMax: memoryBytes, variantsMax, later });
    const store = new TieredStore(memory);
    const log = {
      info: (message: string, fields = {}) => this.lines.push({ message, fields }),
      warn: (message: string, fields = {}) => this.lines.push({ message, fields }),
    };
    const tier = new DiskTier({
      ...{ files: boundFiles(this.files, { self }), clock: this.clock, log, folder: FOLDER },
      ...{ worker, workers, keeps: worker === 0, serves: true, channel, variantsMax },
      shared: this.#shared,
      lanes: new Lanes(this.#users, worker),
    });
    store.useDisk(tier, diskBytes);
    return { store, tier };
  }

  static async open(options: SimDiskOptions = {}): Promise<SimDisk> {
    const disk = new SimDisk(options);
    await disk.settle();
    return disk;
  }

  get store(): TieredStore {
    return this.tiers[0]!.store;
  }

  /** Everything that is under way is done. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await this.clock.advance(1);
  }

  /** As it should. */
  async stop(): Promise<void> {
    const left = Promise.all(this.tiers.map(({ tier }) => tier.leave()));
    for (let turn = 0; turn < 10; turn++) await this.clock.advance(100);
    await left;
  }

  /** Another process on the same disk; this one has stopped, or was killed. */
  async restart(how: "stop" | "kill" = "stop", more: SimDiskOptions = {}): Promise<SimDisk> {
    const { pid = 1 } = this.options;
    if (how === "stop") await this.stop();
    else this.files.dead.add(pid);
    const { files, clock } = this;
    return await SimDisk.open({ ...this.options, files, clock, pid: pid + 1, ...more });
  }
}

/** Another process's view of the same disk: who it is differs, and nothing else. */
function boundFiles(files: SimFiles, { self }: Pick<SimFiles, "self">) {
  return {
    self,
    makeFolder: (path: string) => files.makeFolder(path),
    list: (path: string) => files.list(path),
    open: (path: string, how: "read" | "create") => files.open(path, how),
    rename: (from: string, to: string) => files.rename(from, to),
    link: (from: string, to: string) => files.link(from, to),
    remove: (path: string) => files.remove(path),
  };
}

class SimChannel implements Channel {
  onMessage: ((message: unknown) => void) | undefined = undefined;
  readonly #all: SimChannel[];

  constructor(all: SimChannel[]) {
    this.#all = all;
    all.push(this);
  }

  post(message: unknown): void {
    for (const each of this.#all) {
      if (each !== this) queueMicrotask(() => each.onMessage?.(structuredClone(message)));
    }
  }

  close(): void {
    const place = this.#all.indexOf(this);
    if (place >= 0) this.#all.splice(place, 1);
  }
}

/** At hand, or wherever else it is. */
export async function find(
  { store, clock }: Pick<SimDisk, "store" | "clock">,
  url: string,
  partition = "route",
  suits: (found: StoredResponse) => boolean = () => true,
): Promise<StoredResponse | undefined> {
  for (let each = store.lookup(url, clock.nowMs()); each !== undefined; each = each.next) {
    if (each.partition === partition && suits(each)) return each;
  }
  const recalled = store.recall({ url, partition, alsoOthers: false, suits });
  for (let turn = 0; recalled !== undefined && turn < 5; turn++) await clock.advance(0);
  return await recalled;
}

export async function wholeBody(stored: StoredBody & Partial<StoredResponse>): Promise<string> {
  const source = stored.reading?.() ?? stored;
  const parts: Buffer[] = [];
  for (let at = 0; at < stored.bodyBytes; ) {
    const bytes = source.at(at);
    if (bytes !== undefined) {
      parts.push(Buffer.from(bytes));
      at += bytes.length;
      continue;
    }
    const isThere = await new Promise<boolean>((resolve) => {
      if (source.load === undefined) resolve(false);
      else source.load(at, resolve);
    });
    if (!isThere) throw new Error(`cut at ${at}`);
  }
  source.close?.();
  return Buffer.concat(parts).toString("latin1");
}

export async function storedOn(disk: SimDisk, url: string, text?: string): Promise<void> {
  put(disk.store, responseOf(url, text === undefined ? {} : { text }));
  await disk.settle();
}

export async function textOf(disk: SimDisk, url: string): Promise<string | undefined> {
  const found = await find(disk, url);
  return found === undefined ? undefined : await wholeBody(found);
}

export function warnings({ lines }: SimDisk): string {
  return lines.map(({ message }) => message).join(", ");
}
