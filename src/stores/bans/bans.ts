import { CidrSet } from "../../base/cidr.ts";
import { ClientPrefix, type PrefixBits } from "../../base/client-prefix.ts";
import { DueTimes } from "../../base/due-times.ts";
import type { World } from "../../base/world.ts";
import type { Ban, Bans } from "../../core/bans.ts";
import type { FaultCode } from "../../core/fault.ts";
import type { Mode } from "../../core/refusal.ts";
import { BanList } from "./ban-list.ts";

export interface BanOptions {
  readonly threshold: number; // points
  readonly decayMs: number; // in which so many points as the threshold are forgotten
  readonly banMs: number; // the first one; each further one lasts twice as long
  readonly maxMs: number;
  readonly forgetMs: number; // in which one earlier ban is forgotten
  readonly scores: Readonly<Record<string, number>>; // points by fault code or status
  readonly exempt: readonly string[];
  readonly prefix: PrefixBits;
  readonly mode: Mode;
  readonly refuses: "connections" | "requests";
}

const KEYS_MAX = 65_536; // whose score is known at once
const LISTED_MAX = 4_096;
const LEVEL_MAX = 32;
const LINES_MAX = 60; // of the log, in a minute
const MINUTE_MS = 60_000;
const END = { perUnitMs: 1, burstMs: 0 }; // a time that lies ahead is all that it holds
const LATEST = 0;

/**
 * Counts what clients do wrong and keeps out who does too much of it. A score that is forgotten with time is
 * a time itself, how long until it is gone; so are the number of earlier bans and the end of a ban. Each
 * is kept in a table that all workers share (base/due-times.ts), by client network, and does not grow.
 */
export class ClientBans implements Bans {
  static readonly byteLengths = {
    scores: DueTimes.byteLength(KEYS_MAX),
    offences: DueTimes.byteLength(KEYS_MAX),
    ends: DueTimes.byteLength(KEYS_MAX),
    list: BanList.byteLength(LISTED_MAX),
    latest: Float64Array.BYTES_PER_ELEMENT,
  };

  readonly refusesConnections: boolean;
  readonly #options: BanOptions;
  readonly #world: Pick<World, "clock" | "log">;
  readonly #banned: (reason: string) => void;
  readonly #prefix: ClientPrefix;
  readonly #exempt: CidrSet;
  readonly #byCode: ReadonlyMap<string, number>;
  readonly #byStatus: Float64Array;
  readonly #scores: DueTimes;
  readonly #offences: DueTimes;
  readonly #ends: DueTimes;
  readonly #list: BanList;
  readonly #latest: Float64Array; // when the last ban ends: nobody is looked for after that
  #lines: number;
  #linesUntilMs: number;

  constructor(
    options: BanOptions,
    memory: Readonly<Record<keyof typeof ClientBans.byteLengths, SharedArrayBuffer>>,
    world: Pick<World, "clock" | "log">,
    banned: (reason: string) => void,
  ) {
    const { scores, exempt, prefix, refuses } = options;
    this.refusesConnections = refuses === "connections";
    this.#options = options;
    this.#world = world;
    this.#banned = banned;
    this.#prefix = new ClientPrefix(prefix);
    this.#exempt = new CidrSet(exempt);
    this.#byCode = new Map(Object.entries(scores));
    this.#byStatus = new Float64Array(1000);
    for (const [key, points] of this.#byCode) {
      if (/^[0-9]{3}$/.test(key)) this.#byStatus[Number(key)] = points;
    }
    this.#scores = new DueTimes(memory.scores);
    this.#offences = new DueTimes(memory.offences);
    this.#ends = new DueTimes(memory.ends);
    this.#list = new BanList(memory.list);
    this.#latest = new Float64Array(memory.latest);
    this.#lines = 0;
    this.#linesUntilMs = 0;
  }

  remainingMs(address: string): number {
    const nowMs = this.#world.clock.nowMs();
    if (nowMs >= this.#latest[LATEST]!) return 0;
    const leftMs = -this.#ends.look(this.#prefix.of(address), nowMs, END);
    return leftMs > 0 && !this.#isExempt(address) ? leftMs : 0;
  }

  scored(address: string, code: FaultCode | undefined, status: number): void {
    const ofCode = code === undefined ? undefined : this.#byCode.get(code);
    const points = ofCode ?? this.#byStatus[status] ?? 0;
    if (points === 0 || this.#isExempt(address)) return;
    const { threshold, decayMs } = this.#options;
    const perUnitMs = decayMs / threshold;
    const client = this.#prefix.of(address);
    const nowMs = this.#world.clock.nowMs();
    // One less: to reach the threshold is enough.
    const pace = { perUnitMs, burstMs: decayMs - perUnitMs };
    if (this.#scores.take(client, points, nowMs, pace) >= 0) return;
    this.#scores.forget(client);
    this.#reached(client, ofCode === undefined ? "status" : code!, nowMs);
  }

  get list(): readonly Ban[] {
    const nowMs = this.#world.clock.nowMs();
    return this.#list.entries(nowMs).map(({ client, reason, level, untilMs }) => {
      return { client, reason: reason as Ban["reason"], level, remainingMs: untilMs - nowMs };
    });
  }

  ban(address: string, forMs: number): string | undefined {
    if (this.#isExempt(address)) return "is exempt (bans.exempt)";
    this.#keepOut(this.#prefix.of(address), "operator", 1, forMs);
    return undefined;
  }

  lift(address: string): boolean {
    const client = address.includes("/") ? address : this.#prefix.of(address);
    const wasBanned = this.#ends.look(client, this.#world.clock.nowMs(), END) < 0;
    this.#ends.forget(client);
    this.#scores.forget(client);
    this.#offences.forget(client);
    this.#list.remove(client);
    return wasBanned;
  }

  #reached(client: string, reason: FaultCode | "status", nowMs: number): void {
    const { mode, banMs, maxMs, forgetMs } = this.#options;
    if (this.#ends.look(client, nowMs, END) < 0) return; // what was under way when it was banned
    const memory = { perUnitMs: forgetMs, burstMs: LEVEL_MAX * forgetMs };
    const left = this.#offences.take(client, 1, nowMs, memory) / forgetMs;
    const level = left < 0 ? LEVEL_MAX : Math.max(1, LEVEL_MAX - Math.floor(left));
    const forMs = Math.min(banMs * 2 ** (level - 1), maxMs);
    this.#banned(reason);
    const what = mode === "warn" ? "client would be banned" : "client banned";
    this.#say(what, { client, reason, level, forSeconds: Math.round(forMs / 1000) }, nowMs);
    if (mode === "enforce") this.#keepOut(client, reason, level, forMs);
  }

  #keepOut(client: string, reason: Ban["reason"], level: number, forMs: number): void {
    const nowMs = this.#world.clock.nowMs();
    const untilMs = nowMs + forMs;
    this.#ends.raise(client, untilMs, nowMs);
    // Two at once: the later one may be lost, and with it nothing but the end of a look that costs little.
    if (untilMs > this.#latest[LATEST]!) this.#latest[LATEST] = untilMs;
    this.#list.put({ client, reason, level, untilMs });
  }

  #isExempt(address: string): boolean {
    return address === "unix" || this.#exempt.has(address);
  }

  /** A flood is to fill no log. */
  #say(what: string, fields: Readonly<Record<string, unknown>>, nowMs: number): void {
    if (nowMs >= this.#linesUntilMs) {
      const unsaid = this.#lines - LINES_MAX;
      if (unsaid > 0) this.#world.log.warn("more clients banned", { count: unsaid });
      this.#lines = 0;
      this.#linesUntilMs = nowMs + MINUTE_MS;
    }
    this.#lines++;
    if (this.#lines <= LINES_MAX) this.#world.log.warn(what, fields);
  }
}
