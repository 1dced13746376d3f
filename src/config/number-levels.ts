import type { Limits, Rates, Timeouts } from "../core/limits.ts";
import {
  type Config,
  type Levels,
  type ListenerConfig,
  type RouteConfig,
  type SiteConfig,
  settledLevels,
  type UpstreamConfig,
} from "./config.ts";
import { ONLY_TOP, ONLY_TOP_OR_LISTENER, ONLY_TOP_OR_UPSTREAM } from "./shape/levels.ts";

export type LevelName = "default" | "top" | "listener" | "site" | "route" | "upstream";

/** A number that is in effect, and who says so. */
export interface SettledNumber {
  readonly value: number;
  readonly from: LevelName;
}

export interface SettledNumbers {
  readonly limits: Readonly<Record<keyof Limits, SettledNumber>>;
  readonly timeouts: Readonly<Record<keyof Timeouts, SettledNumber>>;
  readonly rates: Readonly<Record<keyof Rates, SettledNumber>>;
}

/** As far down as a request got. */
export interface Places {
  readonly config: Config;
  readonly listener: ListenerConfig;
  readonly site?: SiteConfig | undefined;
  readonly route?: RouteConfig | undefined;
  readonly upstream?: UpstreamConfig | undefined;
}

interface NamedLevel {
  readonly name: LevelName;
  readonly level: Levels;
}

/** Every number in effect there, with the level that it comes from; for `explain`. */
export function settledNumbers({
  config,
  listener,
  site,
  route,
  upstream,
}: Places): SettledNumbers {
  const ofUpstream = upstream === undefined ? undefined : { ...upstream, rates: {} };
  const all: readonly (readonly [LevelName, Levels | undefined])[] = [
    ["top", config],
    ["listener", listener],
    ["site", site],
    ["route", route],
    ["upstream", ofUpstream],
  ];
  const levels = all.flatMap(([name, level]) => (level === undefined ? [] : [{ name, level }]));
  const { limits, timeouts, rates } = settledLevels();
  return {
    limits: group("limits", limits, levels),
    timeouts: group("timeouts", timeouts, levels),
    rates: group("rates", rates, levels),
  };
}

function group<Numbers extends object>(
  name: keyof Levels,
  defaults: Numbers,
  levels: readonly NamedLevel[],
): Readonly<Record<keyof Numbers, SettledNumber>> {
  const settled = Object.keys(defaults).map((key) => {
    const among = levels.filter((level) => hasEffect(`${name}.${key}`, level.name));
    const value = pick(settledLevels(...among.map(({ level }) => level))[name], key);
    // The same laying of levels over each other, once more with their places for numbers.
    const place = pick(
      settledLevels(...among.map(({ level }, index) => marked(level, index)))[name],
      key,
    );
    const from = place < 0 ? among[-1 - place]!.name : "default";
    return [key, { value, from }];
  });
  return Object.fromEntries(settled) as Record<keyof Numbers, SettledNumber>;
}

function pick(numbers: object, key: string): number {
  return (numbers as Readonly<Record<string, number>>)[key]!;
}

/** Below zero, where no default is. */
function marked({ limits, timeouts, rates }: Levels, index: number): Levels {
  const mark = (numbers: object) =>
    Object.fromEntries(Object.keys(numbers).map((key) => [key, -1 - index]));
  return { limits: mark(limits), timeouts: mark(timeouts), rates: mark(rates) };
}

function hasEffect(number: string, level: LevelName): boolean {
  if (level === "top") return true;
  if (ONLY_TOP.has(number)) return false;
  if (ONLY_TOP_OR_UPSTREAM.has(number)) return level === "upstream";
  return level === "listener" || !ONLY_TOP_OR_LISTENER.has(number);
}
