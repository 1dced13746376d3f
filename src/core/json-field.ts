import { z } from "./fields.ts";

const DEPTH_MAX = 100; // also ends a value that holds itself, in a TypeScript config

/** A value that JSON has, kept as the text it is sent as; it may be written as it looks, in YAML too. */
export const jsonText = z
  .unknown()
  .refine((value) => isJson(value, 0), { error: "must be a value that JSON has" })
  .transform((value) => JSON.stringify(value));

function isJson(value: unknown, depth: number): boolean {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || depth >= DEPTH_MAX) return false;
  const isPlain =
    Array.isArray(value) ||
    Object.getPrototypeOf(value) === Object.prototype ||
    Object.getPrototypeOf(value) === null;
  return isPlain && Object.values(value).every((each) => isJson(each, depth + 1));
}
