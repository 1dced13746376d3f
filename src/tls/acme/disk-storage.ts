import { randomUUID } from "node:crypto";
import { link, mkdir, open, readdir, readFile, rename, stat, unlink } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { Clock } from "../../base/world.ts";
import { pause } from "./acme-client.ts";
import { type CertificateStorage, isStorageKey, type StorageLock } from "./certificate-storage.ts";

const BEAT_MS = 5_000;
const STALE_MS = 30_000; // six beats missed
const LOOK_MS = 250;
const LOOK_MS_MAX = 3_000; // a hundred may wait
const LOOK_GROWTH = 1.3;
const FILE_BYTES_MAX = 1024 * 1024;
const LEFTOVER_MS = 3_600_000; // a write takes no hour
const REMOVING_MS = 60_000;

/** Where one says, or else where the system keeps the state of programs. */
export function openStorage(clock: Clock, folder: string | undefined): DiskStorage {
  return new DiskStorage(clock, folder ?? stateFolder());
}

function stateFolder(): string {
  const { STATE_DIRECTORY, XDG_STATE_HOME } = process.env;
  const ofService = STATE_DIRECTORY?.split(":")[0]; // of systemd, which may give several
  if (ofService !== undefined && ofService !== "") return ofService;
  return join(XDG_STATE_HOME || join(homedir(), ".local", "state"), "sluice");
}

/**
 * A folder, for owner's eyes only. Files are written beside their place, synced and renamed into
 * it. A lock is a file that says whose it is and that he lives; who waits for it trusts no clock but his own:
 * a file that has not changed for STALE_MS was left by somebody who is gone.
 */
export class DiskStorage implements CertificateStorage {
  readonly #clock: Clock;
  readonly #folder: string;

  constructor(clock: Clock, folder: string) {
    this.#clock = clock;
    this.#folder = folder;
  }

  /** Where it is, for people. */
  pathOf(key: string): string {
    return this.#path(key);
  }

  async read(key: string): Promise<string | undefined> {
    const path = this.#path(key);
    try {
      if ((await stat(path)).size > FILE_BYTES_MAX) throw new Error(`${path} is too large`);
      return await readFile(path, "utf8");
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async write(key: string, text: string): Promise<void> {
    const path = this.#path(key);
    const folder = dirname(path);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const beside = join(folder, `.${randomUUID()}.new`);
    try {
      await writeSynced(beside, text);
      await rename(beside, path);
    } catch (error) {
      await unlink(beside).catch(() => {});
      throw error;
    }
    await syncFolder(folder);
  }

  async delete(key: string): Promise<void> {
    await unlink(this.#path(key)).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
  }

  async list(folder: string): Promise<readonly string[]> {
    const path = this.#path(folder);
    try {
      const names = await readdir(path);
      const left = names.filter((name) => name.startsWith(".") && name.endsWith(".new"));
      for (const name of left) await this.#sweep(join(path, name));
      return names.filter(isStorageKey).map((name) => `${folder}/${name}`);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  async lock(name: string, waitMs: number): Promise<StorageLock | undefined> {
    const path = this.#path(`locks/${name}`);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const endMs = this.#clock.nowMs() + waitMs;
    const seen = { text: "", sinceMs: this.#clock.nowMs() };
    for (let lookMs = LOOK_MS; ; lookMs = Math.min(lookMs * LOOK_GROWTH, LOOK_MS_MAX)) {
      const taken = await DiskLock.take(this.#clock, path);
      if (taken !== undefined) return taken;
      const text = await readFile(path, "utf8").catch(() => "");
      const nowMs = this.#clock.nowMs();
      if (text !== seen.text) Object.assign(seen, { text, sinceMs: nowMs });
      else if (nowMs - seen.sinceMs >= STALE_MS)
        await removeStale(path, text, this.#clock.wallMs());
      if (nowMs >= endMs) return undefined;
      await pause(this.#clock, Math.min(lookMs, endMs - nowMs));
    }
  }

  #path(key: string): string {
    if (!isStorageKey(key))
      throw new Error(`Cannot store under ${JSON.stringify(key)}: no such key`);
    return join(this.#folder, ...key.split("/"));
  }

  /** What a process that died in the middle of a write has left. */
  async #sweep(path: string): Promise<void> {
    const found = await stat(path).catch(() => undefined);
    if (found === undefined || this.#clock.wallMs() - found.mtimeMs < LEFTOVER_MS) return;
    await unlink(path).catch(() => {});
  }
}

class DiskLock implements StorageLock {
  readonly #clock: Clock;
  readonly #path: string;
  readonly #owner: string;
  #beats: number;
  #isLost: boolean;
  #isOver: boolean;

  static async take(clock: Clock, path: string): Promise<DiskLock | undefined> {
    const lock = new DiskLock(clock, path);
    const beside = `${path}.${lock.#owner}`;
    try {
      // A link is there whole or not at all, so nobody reads a lock that is half written.
      await writeSynced(beside, lock.#text);
      await link(beside, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") return undefined;
      throw error;
    } finally {
      await unlink(beside).catch(() => {});
    }
    lock.#beatLater();
    return lock;
  }

  private constructor(clock: Clock, path: string) {
    this.#clock = clock;
    this.#path = path;
    this.#owner = randomUUID();
    this.#beats = 0;
    this.#isLost = false;
    this.#isOver = false;
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    if (await this.#isOurs().catch(() => false)) await unlink(this.#path).catch(() => {});
  }

  get #text(): string {
    return `${this.#owner} ${this.#beats}\n`;
  }

  #beatLater(): void {
    this.#clock.after(BEAT_MS, () => void this.#beat());
  }

  /** Written in place: a rename could put our file over the one of somebody who took the lock. */
  async #beat(): Promise<void> {
    if (this.#isOver) return;
    try {
      if (!(await this.#isOurs())) {
        this.#isLost = true;
        return;
      }
      this.#beats++;
      const file = await open(this.#path, "r+");
      try {
        await file.write(this.#text, 0);
      } finally {
        await file.close();
      }
    } catch (error) {
      if (isMissing(error)) this.#isLost = true; // else the disk is ill, and the next beat may do
    }
    if (!this.#isLost) this.#beatLater();
  }

  async #isOurs(): Promise<boolean> {
    return (await readFile(this.#path, "utf8")).startsWith(this.#owner);
  }
}

/**
 * Two may find it stale at once, and the slower one must not remove what the faster one has put
 * there meanwhile: so one at a time may remove, and looks once more before it does.
 */
async function removeStale(path: string, text: string, wallMs: number): Promise<void> {
  const removing = `${path}.removing`;
  try {
    await (await open(removing, "wx", 0o600)).close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    await removeLeft(removing, wallMs);
    return;
  }
  try {
    if ((await readFile(path, "utf8")) === text) await unlink(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  } finally {
    await unlink(removing).catch(() => {});
  }
}

/** It takes no second, so whoever began it a minute ago has died over it. */
async function removeLeft(path: string, wallMs: number): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found !== undefined && wallMs - found.mtimeMs > REMOVING_MS)
    await unlink(path).catch(() => {});
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Not every file system can; the file itself is safe already. */
async function syncFolder(folder: string): Promise<void> {
  const file = await open(folder, "r").catch(() => undefined);
  await file?.sync().catch(() => {});
  await file?.close();
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}
