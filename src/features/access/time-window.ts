import type { Clock } from "../../base/world.ts";

export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

export interface TimeOptions {
  readonly days: ReadonlySet<number>; // 0 is Monday
  readonly fromMinute: number; // of the day
  readonly toMinute: number; // up to but not this one; not after `from`: of the day after
  readonly zone: string;
}

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1_440;

/** Days and hours by the clock on the wall of some place, with its summer time. */
export class TimeWindow {
  readonly #options: TimeOptions;
  readonly #clock: Clock;
  readonly #format: Intl.DateTimeFormat;
  #minute: number; // that the last answer is of
  #isOpen: boolean;

  constructor(options: TimeOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#format = new Intl.DateTimeFormat("en-GB", {
      timeZone: options.zone,
      weekday: "short",
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
    });
    this.#minute = -1;
    this.#isOpen = false;
  }

  /** Worked out once a minute. */
  isOpen(): boolean {
    const minute = Math.floor(this.#clock.wallMs() / MINUTE_MS);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#isOpen = this.#holds(minute * MINUTE_MS);
    }
    return this.#isOpen;
  }

  #holds(wallMs: number): boolean {
    const { days, fromMinute, toMinute } = this.#options;
    const parts = new Map(
      this.#format.formatToParts(wallMs).map(({ type, value }) => [type, value]),
    );
    const day = (DAYS as readonly string[]).indexOf(parts.get("weekday")!.toLowerCase());
    const minute = Number(parts.get("hour")) * 60 + Number(parts.get("minute"));
    if (fromMinute < toMinute) return days.has(day) && minute >= fromMinute && minute < toMinute;
    // Over midnight: what is left of the night belongs to the day on which it began.
    const before = (day + 6) % 7;
    return minute >= fromMinute ? days.has(day) : days.has(before) && minute < toMinute;
  }
}

/** "08:00" → 480; "24:00" is the end of a day. undefined: no time of a day. */
export function minuteOf(text: string): number | undefined {
  const [all, hours, minutes] = /^([0-9]{2}):([0-5][0-9])$/.exec(text) ?? [];
  const minute = Number(hours) * 60 + Number(minutes);
  return all === undefined || minute > DAY_MINUTES ? undefined : minute;
}

export function isTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en-GB", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

/** "mon-fri" or "sat" → its numbers; over Sunday as well. undefined: no days. */
export function daysOf(text: string): readonly number[] | undefined {
  const [first = "", last = first, ...more] = text.toLowerCase().split("-");
  const from = DAYS.indexOf(first as (typeof DAYS)[number]);
  const to = DAYS.indexOf(last as (typeof DAYS)[number]);
  if (from < 0 || to < 0 || more.length > 0) return undefined;
  const count = ((to - from + 7) % 7) + 1;
  return Array.from({ length: count }, (_, index) => (from + index) % 7);
}
