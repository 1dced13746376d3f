import { wanted, z } from "../../core/fields.ts";

const STATUS_FORM = "429, or a status from 500 to 599";
const STATUSES_FORM = "a list of statuses: 429, or 500 to 599";

/** Statuses that say something about an endpoint and not about the request. */
export function failureStatuses(about: string, fallback: ReadonlySet<number>) {
  const status = z
    .number({ error: wanted(STATUS_FORM) })
    .refine((each) => each === 429 || (Number.isInteger(each) && each >= 500 && each <= 599), {
      error: wanted(STATUS_FORM),
    });
  return z
    .array(status, { error: wanted(STATUSES_FORM) })
    .optional()
    .describe(`${about}. Default: [${[...fallback].join(", ")}].`);
}
