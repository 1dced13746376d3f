import { MS_PER_UNIT, wanted, z } from "./fields.ts";

/** So many in so long. */
export interface Rate {
  readonly count: number;
  readonly perMs: number;
}

const RATE = /^([0-9]{1,9})\/([0-9]{0,4})(ms|s|m|h|d)$/;
const FORM = 'a rate such as "100/s", "5/m" or "20/10s"';
const PER_SECOND_MAX = 1_000_000; // beyond it the clock is too coarse to tell one from the next
const PERIOD_MAX_MS = 365 * 86_400_000;

/** "100/s" "5000/h" "20/10s" → how many in which time. */
export const rate = z
  .string({ error: wanted(FORM) })
  .meta({ pattern: RATE.source })
  .refine((text) => parseRate(text) !== undefined, { error: wanted(FORM) })
  .transform((text) => parseRate(text)!);

function parseRate(text: string): Rate | undefined {
  const [, count = "", number = "", unit = ""] = RATE.exec(text) ?? [];
  const parsed = {
    count: Number(count),
    perMs: (number === "" ? 1 : Number(number)) * (MS_PER_UNIT[unit] ?? 0),
  };
  const isSound =
    parsed.count > 0 &&
    parsed.perMs > 0 &&
    parsed.perMs <= PERIOD_MAX_MS &&
    parsed.count / parsed.perMs <= PER_SECOND_MAX / 1000;
  return isSound ? parsed : undefined;
}

/** As it is written: "100/s", "20/10s". */
export function rateText({ count, perMs }: Rate): string {
  for (const unit of ["d", "h", "m", "s"]) {
    const unitMs = MS_PER_UNIT[unit]!;
    if (perMs % unitMs === 0) return `${count}/${perMs === unitMs ? "" : perMs / unitMs}${unit}`;
  }
  return `${count}/${perMs === 1 ? "" : perMs}ms`;
}
