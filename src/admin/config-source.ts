import { type FileLook, lookAt } from "../base/file-look.ts";
import type { Timer, World } from "../base/world.ts";
import type { Loaded } from "../config/load.ts";
import type { ReloadOutcome } from "./running-proxy.ts";

const LOOK_EVERY_MS = 1_000;

type Take = (loaded: Loaded) => Promise<ReloadOutcome>;

/**
 * Where the config comes from, and when it is taken anew: because somebody says so (a signal, the
 * admin API), or because its file has changed.
 */
export class ConfigSource {
  readonly #world: World;
  readonly #load: (() => Loaded | Promise<Loaded>) | undefined;
  readonly #take: Take;
  #running: Promise<unknown>;
  #waiting: Promise<ReloadOutcome> | undefined; // has not read the file yet
  #file: string | undefined; // that is watched
  #looking: Timer | undefined;
  #taken: FileLook; // the file as it was when it was read
  #last: FileLook; // as it was a second ago

  constructor(world: World, load: (() => Loaded | Promise<Loaded>) | undefined, take: Take) {
    this.#world = world;
    this.#load = load;
    this.#take = take;
    this.#running = Promise.resolve();
    this.#waiting = undefined;
    this.#file = undefined;
    this.#looking = undefined;
    this.#taken = "";
    this.#last = "";
  }

  /** One at a time. Whoever asks while another waits for its turn shares it: the file is yet unread. */
  reload(): Promise<ReloadOutcome> {
    const load = this.#load;
    if (load === undefined) {
      return Promise.resolve({ kind: "refused", message: "there is no file to take anew" });
    }
    if (this.#waiting !== undefined) return this.#waiting;
    const outcome = this.#running.then(async () => {
      this.#waiting = undefined;
      const loaded = await load();
      this.#taken = loaded.look ?? "";
      return await this.#take(loaded);
    });
    this.#waiting = outcome;
    this.#running = outcome.catch(() => {});
    return outcome;
  }

  /** Looks at the file of the config in force from now on; undefined: at none. */
  watch(loaded: Loaded | undefined): void {
    const file = loaded?.file;
    if (file === this.#file) return;
    this.#file = file;
    this.#looking?.cancel();
    if (loaded === undefined || file === undefined) return;
    this.#taken = loaded.look ?? "";
    this.#last = this.#taken;
    this.#lookSoon(file);
  }

  /**
   * By its dates, each second: that works for every file system, and for a file that is replaced, or
   * behind a link that is (a ConfigMap). It is taken when it has been the same for two looks, so
   * that nobody reads a file that is still being written.
   */
  #lookSoon(file: string): void {
    if (file !== this.#file) return;
    this.#looking = this.#world.clock.after(LOOK_EVERY_MS, () => {
      void this.#look(file).then(() => this.#lookSoon(file));
    });
  }

  async #look(file: string): Promise<void> {
    const look = await lookAt(file);
    const isSettled = look === this.#last && look !== this.#taken && look !== "";
    this.#last = look;
    if (!isSettled || file !== this.#file) return;
    this.#taken = look; // also if it is refused: it is told once
    this.#tell(await this.reload());
  }

  #tell(outcome: ReloadOutcome): void {
    const { log } = this.#world;
    if (outcome.kind === "taken") {
      log.info("reloaded: the file has changed", { version: outcome.version });
    } else if (outcome.kind === "refused") {
      log.warn("not reloaded: the file has changed", { reason: outcome.message });
    } else {
      const problems = outcome.problems.map(({ message }) => message);
      log.warn("not reloaded: the file has changed, and has problems", { problems });
    }
  }
}
