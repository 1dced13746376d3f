import { shown, wanted, z } from "./fields.ts";

export type StatusRange = readonly [first: number, last: number];

const FORM = "a status such as 404, or a class such as 5xx";

const one = z
  .union([z.number(), z.string()], { error: wanted(FORM) })
  .transform((value, context) => {
    const range = rangeOf(value);
    if (range !== undefined) return range;
    context.addIssue({ code: "custom", message: `must be ${FORM}, got ${shown(value)}` });
    return z.NEVER;
  });

/** Statuses of final responses: 404, "404", "5xx", or a list of them. */
export const statusesField = z
  .union([one.transform((range) => [range]), z.array(one).min(1)], {
    error: wanted(`${FORM}, or a list of them`),
  })
  .describe("Statuses such as 404, and classes such as 5xx.");

function rangeOf(value: number | string): StatusRange | undefined {
  const text = String(value);
  if (/^[2-5]xx$/.test(text)) return [Number(text[0]) * 100, Number(text[0]) * 100 + 99];
  return /^[2-5][0-9][0-9]$/.test(text) ? [Number(text), Number(text)] : undefined;
}

/** Holds a status or not, in one look. No ranges: all of them. */
export class StatusSet {
  readonly #isIn: Uint8Array;

  constructor(ranges: readonly StatusRange[]) {
    this.#isIn = new Uint8Array(600).fill(ranges.length === 0 ? 1 : 0);
    for (const [first, last] of ranges) this.#isIn.fill(1, first, last + 1);
  }

  has(status: number): boolean {
    return this.#isIn[status] === 1;
  }
}
