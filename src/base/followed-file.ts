import { readFileSync, type Stats, statSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { type FileLook, lookAt, lookNow } from "./file-look.ts";
import type { World } from "./world.ts";

const LOOK_EVERY_MS = 2_000; // at the file, while somebody asks for what is in it

/**
 * What is made of a file, and made anew when the file changes. It is looked at while it is used, off
 * the data path; one that cannot be used any more changes nothing, and is said in the log.
 */
export class FollowedFile<Made> {
  readonly #file: string;
  readonly #bytesMax: number;
  readonly #make: (bytes: Buffer) => Made;
  readonly #world: Pick<World, "clock" | "log">;
  #made: Made;
  #look: FileLook;
  #lookAtMs: number;
  #isLooking: boolean;
  /** Why the file as it is now is not what is used; undefined: it is. */
  problem: string | undefined;

  /** `make` throws with what is wrong; so does the constructor, then. */
  constructor(
    file: string,
    options: {
      readonly bytesMax: number;
      readonly make: (bytes: Buffer) => Made;
      readonly world: Pick<World, "clock" | "log">;
    },
  ) {
    this.#file = file;
    this.#bytesMax = options.bytesMax;
    this.#make = options.make;
    this.#world = options.world;
    this.#look = lookNow(file);
    this.#made = this.#make(readWhole(file, this.#bytesMax));
    this.#lookAtMs = this.#world.clock.nowMs() + LOOK_EVERY_MS;
    this.#isLooking = false;
    this.problem = undefined;
  }

  current(): Made {
    if (!this.#isLooking && this.#world.clock.nowMs() >= this.#lookAtMs) void this.#lookAgain();
    return this.#made;
  }

  async #lookAgain(): Promise<void> {
    this.#isLooking = true;
    const look = await lookAt(this.#file); // never rejects
    if (look !== this.#look) await this.#take(look);
    this.#lookAtMs = this.#world.clock.nowMs() + LOOK_EVERY_MS;
    this.#isLooking = false;
  }

  async #take(look: FileLook): Promise<void> {
    this.#look = look;
    const { log } = this.#world;
    try {
      this.#made = this.#make(await readWholeSoon(this.#file, this.#bytesMax));
      this.problem = undefined;
      log.info("a file was read again", { file: this.#file });
    } catch (error) {
      this.problem = (error as Error).message;
      log.warn("a file has changed and cannot be used: what was read before stays in force", {
        file: this.#file,
        error: this.problem,
      });
    }
  }
}

/** Throws with what is wrong. A device or a pipe could hold us up for ever. */
function readWhole(file: string, bytesMax: number): Buffer {
  try {
    judge(file, statSync(file), bytesMax);
    return readFileSync(file);
  } catch (error) {
    throw told(file, error);
  }
}

async function readWholeSoon(file: string, bytesMax: number): Promise<Buffer> {
  try {
    judge(file, await stat(file), bytesMax);
    return await readFile(file);
  } catch (error) {
    throw told(file, error);
  }
}

function judge(file: string, about: Stats, bytesMax: number): void {
  if (!about.isFile()) throw new Error(`${file} is no plain file`);
  if (about.size > bytesMax) throw new Error(`${file} is larger than ${bytesMax} bytes`);
}

function told(file: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined ? error : new Error(`${file} cannot be read (${code})`);
}
