import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { errorCode, type Files } from "../../base/files.ts";
import type { Clock, Log, Timer } from "../../base/world.ts";
import type { DiskShare } from "./disk-share.ts";
import { FaultLog } from "./fault-log.ts";
import { FolderLock } from "./folder-lock.ts";
import { FORMAT } from "./record.ts";
import { isOurs, segmentNamed } from "./segment.ts";

const BEAT_MS = 5_000;
const SOON_MS = 250; // while somebody else has it, as in an upgrade
const SOON_TRIES = 240;
const LATER_MS = 2_000;
const FAULT_MS = 10_000;
const EMPTY_MS = 50;
const EMPTY_TRIES = 100;

export interface KeeperParts {
  readonly files: Files;
  readonly clock: Clock;
  readonly log: Log;
  readonly folder: string;
  readonly share: DiskShare;
  /** How many stores are open in it. */
  readonly users: () => number;
  /** Stores may use it, or are to leave it. */
  readonly changed: () => void;
}

/** What a folder says of itself. */
export interface FolderFormat {
  readonly format: number;
  readonly secret: string;
}

/**
 * Holds a folder for the process: one thread of it does. Until it is held, and whenever it cannot be, there is no
 * disk; it goes on trying.
 */
export class FolderKeeper {
  readonly #parts: KeeperParts;
  readonly #lock: FolderLock;
  #timer: Timer | undefined;
  #tries: number;
  #isHeld: boolean;
  #isOver: boolean;
  readonly #faults: FaultLog;
  #working: Promise<void>;

  constructor(parts: KeeperParts) {
    const { files, clock, folder } = parts;
    this.#parts = parts;
    this.#lock = new FolderLock(files, clock, folder);
    this.#timer = undefined;
    this.#tries = 0;
    this.#isHeld = false;
    this.#isOver = false;
    this.#faults = new FaultLog(clock, parts.log, folder);
    this.#working = Promise.resolve();
  }

  get faultCount(): number {
    return this.#faults.count;
  }

  start(): void {
    this.#working = this.#try();
  }

  /** Once its stores have left, somebody else may have it. */
  async leave(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.cancel();
    await this.#working;
    if (!this.#isHeld) return;
    const { share, changed, users } = this.#parts;
    share.state = "shut";
    changed();
    for (let tries = 0; users() > 0 && tries < EMPTY_TRIES; tries++) await this.#pause(EMPTY_MS);
    await this.#lock
      .release()
      .catch((error: unknown) => this.#faults.tell("cannot be unlocked", error));
  }

  async #try(): Promise<void> {
    const { files, folder, clock, share, changed, log } = this.#parts;
    let againMs = FAULT_MS;
    try {
      await files.makeFolder(folder);
      const other = await this.#lock.take();
      if (other === undefined) {
        this.#isHeld = true;
        await this.#prepare();
        share.state = "open";
        changed();
        this.#timer = clock.after(BEAT_MS, () => this.#beat());
        return;
      }
      if (this.#tries === 0) log.info("disk cache waits for its folder", { folder, other });
      againMs = this.#tries++ < SOON_TRIES ? SOON_MS : LATER_MS;
    } catch (error) {
      if (this.#isHeld) await this.#lock.release().catch(() => {});
      this.#isHeld = false;
      this.#faults.tell("cannot be used", error);
    }
    if (share.state === "unknown") {
      share.state = "shut";
      changed();
    }
    if (!this.#isOver) this.#timer = clock.after(againMs, () => this.start());
  }

  #beat(): void {
    this.#working = this.#renew();
  }

  async #renew(): Promise<void> {
    const { share, changed, clock } = this.#parts;
    let isOurs: boolean | undefined;
    try {
      isOurs = await this.#lock.renew();
    } catch (error) {
      // A disk that is full or read-only by now is still ours, and may still be read.
      this.#faults.tell("cannot be locked", error);
    }
    if (this.#isOver) return;
    if (isOurs !== false) {
      this.#timer = clock.after(BEAT_MS, () => this.#beat());
      return;
    }
    this.#faults.tell("is another's by now, or was removed");
    this.#isHeld = false;
    share.state = "shut";
    changed();
    this.#timer = clock.after(FAULT_MS, () => this.start());
  }

  /** Of another format it is emptied; what a crash has left beside the files goes. */
  async #prepare(): Promise<void> {
    const { files, folder, log, share } = this.#parts;
    const names = await files.list(folder);
    const found = await readFormat(files, folder);
    if (found?.format !== FORMAT) {
      const ours = names.filter(isOurs);
      for (const name of ours) await files.remove(join(folder, name));
      if (ours.length > 0) log.warn("disk cache emptied: of another format", { folder });
      await this.#writeFormat();
    }
    const left = names.filter((name) => name.startsWith("lock.") || name.endsWith(".tab.new"));
    for (const name of left) await files.remove(join(folder, name)).catch(() => {});
    for (const name of names) share.afterSegment(segmentNamed(name)?.id ?? 0);
  }

  async #writeFormat(): Promise<void> {
    const { files, folder } = this.#parts;
    const said: FolderFormat = { format: FORMAT, secret: randomBytes(16).toString("hex") };
    const beside = join(folder, "format.new");
    await files.remove(beside).catch(() => {});
    const file = await files.open(beside, "create");
    try {
      await file.write([Buffer.from(JSON.stringify(said))], 0);
      await file.sync();
    } finally {
      await file.close();
    }
    await files.rename(beside, join(folder, "format"));
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#parts.clock.after(ms, resolve));
  }
}

/** undefined: there is none, or none that can be read as one. Rejects with the system's error. */
export async function readFormat(files: Files, folder: string): Promise<FolderFormat | undefined> {
  try {
    const file = await files.open(join(folder, "format"), "read");
    try {
      const bytes = Buffer.alloc(Math.min(file.bytes, 1024));
      const count = await file.read(bytes, 0);
      const said = JSON.parse(bytes.toString("utf8", 0, count)) as Partial<FolderFormat>;
      return typeof said.secret === "string" && typeof said.format === "number"
        ? { format: said.format, secret: said.secret }
        : undefined;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (errorCode(error) === "ENOENT" || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
