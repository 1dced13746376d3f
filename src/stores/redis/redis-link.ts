import type { Timer, World } from "../../base/world.ts";
import type { StateMeter } from "../../core/shared-limits.ts";
import type { RedisFailure, Reply } from "../../protocol/redis/reply.ts";
import { RedisConnection } from "./redis-connection.ts";
import type { RedisSettings } from "./redis-settings.ts";

const AGAIN_FIRST_MS = 250;
const AGAIN_MAX_MS = 10_000;

/**
 * The way to a server, with a connection that is made again when it is lost. While it is not there
 * nobody is asked, and so nobody waits: it is looked for behind the scenes, at longer and longer intervals.
 *
 *     resting ─ begin → trying ─ greeted → up ─ lost → away ─ greeted → up
 *                          └────── lost ────────────────↗
 */
export class RedisLink implements Disposable {
  readonly #world: Pick<World, "clock" | "random" | "network" | "log">;
  readonly #settings: RedisSettings;
  readonly #greeting: readonly (readonly string[])[];
  readonly #meter: StateMeter;
  #connection: RedisConnection | undefined;
  #isAway: boolean;
  #againMs: number;
  #timer: Timer | undefined;
  #isOver: boolean;

  constructor(
    world: Pick<World, "clock" | "random" | "network" | "log">,
    settings: RedisSettings,
    meter: StateMeter,
    after: readonly (readonly string[])[],
  ) {
    const { username, password, database } = settings;
    const user = username === "" ? [] : [username];
    this.#world = world;
    this.#settings = settings;
    this.#greeting = [
      ...(password === "" ? [] : [["AUTH", ...user, password]]),
      ...(database === 0 ? [] : [["SELECT", `${database}`]]),
      ...after,
    ];
    this.#meter = meter;
    this.#connection = undefined;
    this.#isAway = false;
    this.#againMs = AGAIN_FIRST_MS;
    this.#timer = undefined;
    this.#isOver = false;
  }

  /** From now on; it is there once it was greeted. */
  begin(): void {
    if (!this.#isOver && this.#connection === undefined && this.#timer === undefined) {
      this.#connect();
    }
  }

  /** Undefined: there is nobody to ask. The promise comes to undefined where no answer came in time. */
  ask(words: readonly string[]): Promise<Reply> | undefined {
    let answered: (reply: Reply) => void = () => {};
    const isAsked = this.#connection?.call(words, (reply) => {
      if (reply === undefined) this.#meter.failed();
      else this.#meter.answered();
      answered(reply);
    });
    if (isAsked === true) return new Promise((resolve) => (answered = resolve));
    this.#meter.skipped();
    return undefined;
  }

  /** It answered, and with what it should: what went wrong before is forgotten. */
  worked(): void {
    this.#againMs = AGAIN_FIRST_MS;
  }

  /** It answers, but not with what was asked for: a replica, one of a cluster, no memory left. */
  failed(failure: RedisFailure): void {
    this.#connection?.end(failure.code);
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#timer?.cancel();
    this.#connection?.end("closed by us");
  }

  #connect(): void {
    this.#timer = undefined;
    const { clock, network } = this.#world;
    const connection: RedisConnection = new RedisConnection(clock, this.#settings, {
      greeted: () => this.#greeted(),
      lost: (why, wasUp) => this.#lost(why, wasUp),
    });
    this.#connection = connection;
    connection.begin(network, this.#settings, this.#greeting);
  }

  #greeted(): void {
    this.#meter.connected(true);
    if (!this.#isAway) return;
    this.#isAway = false;
    this.#world.log.info("the shared state is back", this.#where());
  }

  #lost(why: string, wasUp: boolean): void {
    if (wasUp) this.#meter.connected(false);
    this.#connection = undefined;
    if (this.#isOver) return;
    if (!this.#isAway) {
      this.#isAway = true;
      const fields = { ...this.#where(), why };
      this.#world.log.warn("the shared state is away: limits are counted on this machine", fields);
    }
    const { clock, random } = this.#world;
    const delayMs = this.#againMs + random.below(Math.ceil(this.#againMs / 4));
    this.#againMs = Math.min(this.#againMs * 2, AGAIN_MAX_MS);
    this.#timer = clock.after(delayMs, () => this.#connect());
  }

  #where(): { readonly address: string } {
    const { host, port } = this.#settings.address;
    return { address: host.startsWith("/") ? host : `${host}:${port}` };
  }
}
