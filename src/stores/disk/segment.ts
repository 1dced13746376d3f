import { join } from "node:path";
import type { Files, OpenFile } from "../../base/files.ts";
import { SegmentTable } from "./segment-table.ts";

/** What a name in the folder says; undefined: it is none of ours. */
export function segmentNamed(name: string): { id: number; worker: number } | undefined {
  const found = /^([0-9a-f]{8})-([0-9]{1,3})\.seg$/.exec(name);
  return found === null
    ? undefined
    : { id: Number.parseInt(found[1]!, 16), worker: Number(found[2]) };
}

/** A file with a table, of which a crash may have left any. */
export function isOurs(name: string): boolean {
  return /^[0-9a-f]{8}-[0-9]{1,3}\.(?:seg|tab|tab\.new)$/.test(name);
}

/**
 * A file of records, one behind the other, which one worker writes and all may read. It is opened for
 * who reads, and stays open while anybody does: to be removed takes nothing from them.
 */
export class Segment {
  readonly id: number;
  readonly worker: number; // who writes it, or would
  readonly isOwn: boolean; // ours to remove
  readonly path: string;
  bytes: number; // that are good
  tableBytes: number;
  serialMin: number;
  live: number; // records that the index knows
  isGone: boolean; // who reads it last closes it
  readonly #files: Files;
  #file: Promise<OpenFile> | undefined;
  #users: number;

  constructor(files: Files, folder: string, id: number, worker: number, isOwn: boolean) {
    this.id = id;
    this.worker = worker;
    this.isOwn = isOwn;
    this.path = join(folder, `${id.toString(16).padStart(8, "0")}-${worker}`);
    this.bytes = 0;
    this.tableBytes = 0;
    this.serialMin = Number.POSITIVE_INFINITY;
    this.live = 0;
    this.isGone = false;
    this.#files = files;
    this.#file = undefined;
    this.#users = 0;
  }

  get isOpen(): boolean {
    return this.#file !== undefined;
  }

  get isInUse(): boolean {
    return this.#users > 0;
  }

  async create(): Promise<void> {
    this.#file = this.#files.open(`${this.path}.seg`, "create");
    await this.#opened();
  }

  /** Until release(). Rejects with the system's error, and then there is nothing to release. */
  async use(): Promise<OpenFile> {
    this.#users++;
    try {
      this.#file ??= this.#files.open(`${this.path}.seg`, "read");
      return await this.#opened();
    } catch (error) {
      this.release();
      throw error;
    }
  }

  release(): void {
    this.#users--;
    if (this.isGone) this.shut();
  }

  /** Unless somebody reads or writes. */
  shut(): void {
    if (this.#users > 0) return;
    const file = this.#file;
    this.#file = undefined;
    file?.then((opened) => opened.close()).catch(() => {});
  }

  /** undefined: there is none, or it is not as it was written. */
  async readTable(): Promise<SegmentTable | undefined> {
    try {
      const file = await this.#files.open(`${this.path}.tab`, "read");
      try {
        if (file.bytes > TABLE_BYTES_MAX) return undefined;
        const bytes = Buffer.allocUnsafeSlow(file.bytes);
        if ((await file.read(bytes, 0)) !== bytes.length) return undefined;
        this.tableBytes = bytes.length;
        return SegmentTable.decode(bytes);
      } finally {
        await file.close();
      }
    } catch {
      return undefined; // then the segment itself is read
    }
  }

  /** Written beside its place and renamed into it. */
  async writeTable(table: SegmentTable): Promise<void> {
    const parts = table.encode();
    const beside = `${this.path}.tab.new`;
    await this.#files.remove(beside).catch(() => {});
    const file = await this.#files.open(beside, "create");
    try {
      await file.write(parts, 0);
    } finally {
      await file.close();
    }
    await this.#files.rename(beside, `${this.path}.tab`);
    this.tableBytes = parts.reduce((sum, { length }) => sum + length, 0);
  }

  /** Who reads it may go on: what is open stays readable. */
  async remove(): Promise<void> {
    await this.#files.remove(`${this.path}.tab`).catch(() => {});
    await this.#files.remove(`${this.path}.seg`);
  }

  async #opened(): Promise<OpenFile> {
    try {
      return await this.#file!;
    } catch (error) {
      this.#file = undefined; // another time it may be there
      throw error;
    }
  }
}

const TABLE_BYTES_MAX = 256 * 1024 * 1024;
