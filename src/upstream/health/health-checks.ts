import type { Timer, World } from "../../base/world.ts";
import type { Endpoint, Upstream } from "../../core/upstream.ts";
import { ActiveCheck, type CheckTools } from "./active-check.ts";
import type { CheckOptions } from "./check-options.ts";
import { HealthLog } from "./health-log.ts";
import { Turns } from "./turns.ts";

export interface CheckedUpstream {
  readonly upstream: Upstream;
  readonly options: CheckOptions;
}

const AT_ONCE_MAX = 64;
const LOOK_MS = 1_000; // how soon an endpoint is checked that joined while we ran
const SPREAD_MS = 10; // per endpoint: a start with thousands does not ask them all in one moment

/**
 * All active checks of this machine; whoever has one of these must be the only one. A check that a
 * reload did not change goes on as if nothing had happened, and endpoints that come and go while we
 * run are followed.
 */
export class HealthChecks implements Disposable {
  readonly #tools: CheckTools;
  readonly #world: World;
  readonly #checks: Map<string, ActiveCheck>;
  readonly #logs: Map<string, HealthLog>;
  #followed: readonly CheckedUpstream[];
  #lists: readonly (readonly Endpoint[])[]; // of those that are followed, as of the last look
  #timer: Timer | undefined;

  constructor(world: World) {
    const { clock, random, network } = world;
    this.#world = world;
    this.#tools = { clock, random, network, turns: new Turns(AT_ONCE_MAX) };
    this.#checks = new Map();
    this.#logs = new Map();
    this.#followed = [];
    this.#lists = [];
    this.#timer = undefined;
  }

  /** From now on these, and no others. */
  take(followed: readonly CheckedUpstream[]): void {
    this.#followed = followed;
    const names = new Set(followed.map(({ upstream }) => upstream.name));
    for (const name of this.#logs.keys()) if (!names.has(name)) this.#logs.delete(name);
    this.#follow();
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel();
    for (const check of this.#checks.values()) check[Symbol.dispose]();
    this.#checks.clear();
  }

  /** Most of the time nothing has changed, and a list that has not is the same one. */
  #look(): void {
    const lists = this.#followed.map(({ upstream }) => upstream.endpoints);
    if (lists.some((list, index) => list !== this.#lists[index])) this.#follow();
    else this.#lookLater();
  }

  #lookLater(): void {
    if (this.#followed.length === 0) return;
    this.#timer = this.#world.clock.after(LOOK_MS, () => this.#look());
  }

  #follow(): void {
    this.#timer?.cancel();
    this.#lists = this.#followed.map(({ upstream }) => upstream.endpoints);
    const wanted = this.#wanted();
    this.#endOthers(wanted);
    this.#beginNew(wanted);
    this.#lookLater();
  }

  #wanted(): Map<string, () => ActiveCheck> {
    const wanted = new Map<string, () => ActiveCheck>();
    for (const { upstream, options } of this.#followed) {
      const how = JSON.stringify(options);
      for (const endpoint of upstream.endpoints) {
        const key = JSON.stringify([upstream.name, endpoint.name, endpoint.manner.key, how]);
        const known = this.#checks.get(key);
        // One that left and came back has a state of its own.
        if (known?.endpoint.state === endpoint.state) wanted.set(key, () => known);
        else {
          const log = this.#logOf(upstream.name);
          wanted.set(key, () => new ActiveCheck(endpoint, options, this.#tools, log));
        }
      }
    }
    return wanted;
  }

  #endOthers(wanted: ReadonlyMap<string, () => ActiveCheck>): void {
    const checked = this.#followed.flatMap(({ upstream }) => upstream.endpoints);
    const states = new Set(checked.map(({ state }) => state));
    for (const [key, check] of [...this.#checks]) {
      const { state } = check.endpoint;
      if (wanted.has(key) && states.has(state)) continue;
      this.#checks.delete(key);
      check[Symbol.dispose]();
      // Nobody would ever call it up again.
      if (!states.has(state)) state.health = "unknown";
    }
  }

  #beginNew(wanted: ReadonlyMap<string, () => ActiveCheck>): void {
    const spreadMs = SPREAD_MS * (wanted.size - this.#checks.size);
    for (const [key, make] of wanted) {
      if (this.#checks.has(key)) continue;
      const check = make();
      this.#checks.set(key, check);
      check.start(this.#world.random.below(Math.max(1, spreadMs)));
    }
  }

  #logOf(name: string): HealthLog {
    const { clock, log } = this.#world;
    const known = this.#logs.get(name) ?? new HealthLog(clock, log, name);
    this.#logs.set(name, known);
    return known;
  }
}
