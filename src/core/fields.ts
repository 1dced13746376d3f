/**
 * The values that configs are made of, as zod schemas: what is written, what it becomes, and the
 * wanted form for the message when it is neither. zod is the control plane's only: nothing on the
 * data path calls this (the one dependency below `config/`, see docs/decisions).
 */
import { z } from "zod";

export { z };

const DURATION = /^(\d{1,15}(?:\.\d{1,6})?)(ms|s|m|h|d)$/;
const DURATION_MAX_MS = 365 * 86_400_000; // nobody waits longer; also keeps sums exact
export const MS_PER_UNIT: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** "500ms" "5s" "1m" "1h" → milliseconds. "off" → Infinity where the place allows it. */
export const duration = z
  .string({ error: wanted('a duration such as "10s"') })
  .meta({ pattern: DURATION.source })
  .refine(isDuration, { error: wanted('a duration such as "10s"') })
  .transform(durationMs);

/** A duration that is not zero: a timer of nothing would cut every exchange. */
export const durationAboveZero = z
  .string({ error: wanted('a duration above zero such as "10s"') })
  .meta({ pattern: DURATION.source })
  .refine((text) => isDuration(text) && durationMs(text) > 0, {
    error: wanted('a duration above zero such as "10s"'),
  })
  .transform(durationMs);

function isDuration(text: string): boolean {
  return DURATION.test(text) && durationMs(text) <= DURATION_MAX_MS;
}

export function durationMs(text: string): number {
  const [, count, unit] = DURATION.exec(text) ?? [];
  return Number(count) * MS_PER_UNIT[unit ?? ""]!;
}

/** A duration, or "off" for none at all (Infinity). */
export const durationOrOff = z.union(
  [z.literal("off").transform(() => Number.POSITIVE_INFINITY), duration],
  { error: wanted('a duration such as "10s", or "off"') },
);

export const durationAboveZeroOrOff = z.union(
  [z.literal("off").transform(() => Number.POSITIVE_INFINITY), durationAboveZero],
  { error: wanted('a duration above zero such as "10s", or "off"') },
);

const SIZE = /^(\d{1,15})(B|KiB|MiB|GiB)?$/;
const BYTES_PER: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};

/** "64KiB" "10MiB" or a plain count of bytes → bytes. */
export const size = z
  .union([z.string().meta({ pattern: SIZE.source }), z.number().int().nonnegative()], {
    error: wanted('a size such as "64KiB"'),
  })
  .refine((value) => Number.isSafeInteger(sizeBytes(value)), {
    error: wanted('a size such as "64KiB"'),
  })
  .transform(sizeBytes);

/** NaN for what is no size. */
export function sizeBytes(value: string | number): number {
  const [, count, unit] = SIZE.exec(String(value)) ?? [];
  return Number(count) * BYTES_PER[unit ?? "B"]!;
}

/** A size within bounds, for what must not be too small to work or too large to hold. */
export function sizeBetween(min: number, max: number) {
  const form = `a size from ${sizeText(min)} to ${sizeText(max)} such as "64KiB"`;
  return size.refine((bytes) => bytes >= min && bytes <= max, {
    error: (issue) => `must be ${form}, got ${sizeText(Number(issue.input))}`,
  });
}

/** 65536 → "64KiB": the largest unit that divides it. */
export function sizeText(bytes: number): string {
  for (const unit of ["GiB", "MiB", "KiB"]) {
    const per = BYTES_PER[unit]!;
    if (bytes >= per && bytes % per === 0) return `${bytes / per}${unit}`;
  }
  return `${bytes}B`;
}

/** 15000 → "15s": the largest unit that divides it. */
export function durationText(ms: number): string {
  for (const unit of ["d", "h", "m", "s"]) {
    const per = MS_PER_UNIT[unit]!;
    if (ms >= per && ms % per === 0) return `${ms / per}${unit}`;
  }
  return `${ms}ms`;
}

/** A size, or "off" for no limit (Infinity). */
export const sizeOrOff = z.union(
  [z.literal("off").transform(() => Number.POSITIVE_INFINITY), size],
  { error: wanted('a size such as "64KiB", or "off"') },
);

export function wholeNumber(min: number, max: number) {
  return z
    .number({ error: wanted(`a whole number from ${min} to ${max}`) })
    .int({ error: wanted(`a whole number from ${min} to ${max}`) })
    .min(min, { error: wanted(`a whole number from ${min} to ${max}`) })
    .max(max, { error: wanted(`a whole number from ${min} to ${max}`) });
}

const PERCENT = /^([0-9]{1,3})%$/;

/** "20%" → 20. */
export function percent(min: number, max: number) {
  const form = `a share from ${min}% to ${max}% such as "${Math.min(max, 50)}%"`;
  return z
    .string({ error: wanted(form) })
    .meta({ pattern: PERCENT.source })
    .refine((text) => PERCENT.test(text) && isBetween(Number(text.slice(0, -1)), min, max), {
      error: wanted(form),
    })
    .transform((text) => Number(text.slice(0, -1)));
}

function isBetween(value: number, min: number, max: number): boolean {
  return value >= min && value <= max;
}

/** A name for logs and metric labels. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const NAME_FORM = "a name of at most 64 letters, digits, dots, dashes and underscores";

export const name = z
  .string({ error: wanted(NAME_FORM) })
  .regex(NAME, { error: wanted(NAME_FORM) });

/** A key of a later release: it is refused, never ignored, and has no type to write it in. */
export function notYet(key: string) {
  return z
    .never({ error: () => `${key} is not supported yet` })
    .optional()
    .describe("Not supported yet.");
}

/** One of a few words; words of a later release are refused by name. */
export function oneOf<const Words extends readonly [string, ...string[]]>(
  words: Words,
  later: readonly string[] = [],
) {
  const form = `must be ${listed(words)}`;
  return z.enum(words, {
    error: ({ input }) =>
      typeof input === "string" && later.includes(input)
        ? `${input} is not supported yet; ${form}`
        : `${form}, got ${shown(input)}`,
  });
}

/** "a, b or c" */
export function listed(words: readonly string[], last = "or"): string {
  if (words.length <= 1) return words.join("");
  return `${words.slice(0, -1).join(", ")} ${last} ${words.at(-1)}`;
}

/** The second half of a problem's message: "must be …, got …". */
export function wanted(form: string) {
  return (issue: { readonly input?: unknown }): string =>
    `must be ${form}, got ${shown(issue.input)}`;
}

/** For a union of one or many: what is text or a list gets the message of its own form. */
export function wantedOneOrMany(form: string) {
  return (issue: { readonly input?: unknown }): string | undefined =>
    typeof issue.input === "string" || Array.isArray(issue.input) ? undefined : wanted(form)(issue);
}

/** A value for a message. What is inside a map or a list stays out: it may hold secrets. */
export function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (typeof value === "object" && value !== null) return "a map";
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}…`;
}
