/**
 * The values that configs are made of, as zod schemas: what is written, what it becomes, and the
 * wanted form for the message when it is neither. zod is the control plane's only: nothing on the
 * data path calls this (the one dependency below `config/`, see docs/decisions).
 */
import { z } from "zod";

export { z };

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;
const MS_PER: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** "500ms" "5s" "1m" "1h" → milliseconds. "off" → Infinity where the place allows it. */
export const duration = z
  .string({ error: wanted('a duration such as "10s"') })
  .refine((text) => DURATION.test(text), { error: wanted('a duration such as "10s"') })
  .transform(durationMs)
  .meta({ pattern: DURATION.source });

export function durationMs(text: string): number {
  const [, count, unit] = DURATION.exec(text) ?? [];
  return Number(count) * MS_PER[unit ?? ""]!;
}

/** A duration, or "off" for none at all (Infinity). */
export const durationOrOff = z.union(
  [z.literal("off").transform(() => Number.POSITIVE_INFINITY), duration],
  { error: wanted('a duration such as "10s", or "off"') },
);

const SIZE = /^(\d+)(B|KiB|MiB|GiB)?$/;
const BYTES_PER: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};

/** "64KiB" "10MiB" or a plain count of bytes → bytes. */
export const size = z
  .union([z.string(), z.number().int().nonnegative()], { error: wanted('a size such as "64KiB"') })
  .refine((value) => SIZE.test(String(value)), { error: wanted('a size such as "64KiB"') })
  .transform(sizeBytes);

export function sizeBytes(value: string | number): number {
  const [, count, unit] = SIZE.exec(String(value)) ?? [];
  return Number(count) * BYTES_PER[unit ?? "B"]!;
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

/** The second half of a problem's message: "must be …, got …". */
export function wanted(form: string) {
  return (issue: { readonly input?: unknown }): string =>
    `must be ${form}, got ${shown(issue.input)}`;
}

function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}…`;
}
