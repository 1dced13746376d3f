import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { errorCode, type Files } from "../../base/files.ts";
import type { Clock } from "../../base/world.ts";

const STALE_MS = 30_000;
const FILE_BYTES_MAX = 4096;

interface Held {
  readonly host: string;
  readonly pid: number;
  readonly life: string;
  readonly token: string;
  readonly beat: number;
}

/**
 * One process to a folder. A lock is a file that says whose it is. One of this machine is stale when that
 * process is no more; one of another machine, when it has not changed for a while.
 */
export class FolderLock {
  readonly #files: Files;
  readonly #clock: Clock;
  readonly #path: string;
  readonly #token: string;
  #beat: number;
  #seen: { text: string; sinceMs: number };

  constructor(files: Files, clock: Clock, folder: string) {
    this.#files = files;
    this.#clock = clock;
    this.#path = join(folder, "lock");
    this.#token = randomUUID();
    this.#beat = 0;
    this.#seen = { text: "", sinceMs: 0 };
  }

  /** undefined: it is ours. Else who has it, for people. Rejects with the system's error. */
  async take(): Promise<string | undefined> {
    if (await this.#write()) return undefined;
    const text = await this.#read(this.#path);
    if (text === undefined) return "somebody who is leaving";
    const held = heldIn(text);
    if (!this.#isStale(text, held)) return `process ${held?.pid ?? "?"} on ${held?.host ?? "?"}`;
    // Of many who find it stale one gets it out of the way, and may have got a newer one by then.
    const aside = `${this.#path}.${this.#token}`;
    try {
      await this.#files.rename(this.#path, aside);
    } catch (error) {
      if (errorCode(error) === "ENOENT") return "somebody who was faster";
      throw error;
    }
    const taken = await this.#read(aside);
    if (taken !== text) await this.#files.link(aside, this.#path).catch(() => {});
    await this.#files.remove(aside).catch(() => {});
    if (taken === text && (await this.#write())) return undefined;
    return "somebody who was faster";
  }

  /** We are still here. False: it is not ours any more. */
  async renew(): Promise<boolean> {
    if (!(await this.#isOurs())) return false;
    this.#beat++;
    const beside = `${this.#path}.${this.#token}`;
    await this.#create(beside);
    await this.#files.rename(beside, this.#path);
    return true;
  }

  async release(): Promise<void> {
    if (await this.#isOurs()) await this.#files.remove(this.#path);
  }

  async #isOurs(): Promise<boolean> {
    const text = await this.#read(this.#path);
    return text !== undefined && heldIn(text)?.token === this.#token;
  }

  #isStale(text: string, held: Held | undefined): boolean {
    const { host, lifeOf } = this.#files.self;
    const nowMs = this.#clock.nowMs();
    if (text !== this.#seen.text) this.#seen = { text, sinceMs: nowMs };
    if (held !== undefined && held.host === host && lifeOf(held.pid) !== held.life) return true;
    return nowMs - this.#seen.sinceMs >= STALE_MS;
  }

  /** False: there is one. */
  async #write(): Promise<boolean> {
    const beside = `${this.#path}.${this.#token}`;
    await this.#create(beside);
    try {
      await this.#files.link(beside, this.#path);
      return true;
    } catch (error) {
      if (errorCode(error) !== "EEXIST") throw error;
      return false;
    } finally {
      await this.#files.remove(beside).catch(() => {});
    }
  }

  async #create(path: string): Promise<void> {
    const { host, pid, lifeOf } = this.#files.self;
    const held: Held = { host, pid, life: lifeOf(pid) ?? "", token: this.#token, beat: this.#beat };
    await this.#files.remove(path).catch(() => {});
    const file = await this.#files.open(path, "create");
    try {
      await file.write([Buffer.from(JSON.stringify(held))], 0);
    } finally {
      await file.close();
    }
  }

  async #read(path: string): Promise<string | undefined> {
    try {
      const file = await this.#files.open(path, "read");
      try {
        const bytes = Buffer.alloc(Math.min(file.bytes, FILE_BYTES_MAX));
        return bytes.toString("utf8", 0, await file.read(bytes, 0));
      } finally {
        await file.close();
      }
    } catch (error) {
      if (errorCode(error) === "ENOENT") return undefined;
      throw error;
    }
  }
}

function heldIn(text: string): Held | undefined {
  try {
    return JSON.parse(text) as Held;
  } catch {
    return undefined; // it is being written, or was never whole
  }
}
