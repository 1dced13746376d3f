/** Looks into a zod schema: which schemas apply at a path, and which keys they know. */
import { z } from "zod";
import type { Path } from "../core/feature.ts";

/** Every schema that may apply at the path: a union has several. */
export function schemasAt(root: z.ZodType, path: Path): readonly z.ZodType[] {
  let schemas = alternatives(root);
  for (const step of path) schemas = schemas.flatMap((schema) => inside(schema, step));
  return schemas;
}

/** The keys that a map at the path may have. */
export function knownKeys(root: z.ZodType, path: Path): readonly string[] {
  const keys = schemasAt(root, path).flatMap((schema) =>
    schema instanceof z.ZodObject ? usableKeys(schema) : [],
  );
  return [...new Set(keys)];
}

/** Keys of a later release are known, but not worth a suggestion. */
function usableKeys(schema: z.ZodObject): string[] {
  return Object.entries(schema.shape).flatMap(([key, value]) =>
    isNotYet(value as z.ZodType) ? [] : [key],
  );
}

export function isNotYet(schema: z.ZodType): boolean {
  return alternatives(schema).every((inner) => inner instanceof z.ZodNever);
}

/** Takes off what does not change the shape: optional, default, transforms, the arms of unions. */
export function alternatives(schema: z.ZodType): readonly z.ZodType[] {
  if (schema instanceof z.ZodUnion) {
    return schema.options.flatMap((option) => alternatives(option as z.ZodType));
  }
  if (schema instanceof z.ZodPipe) return alternatives(schema.in as z.ZodType);
  if (schema instanceof z.ZodLazy) return alternatives(schema.unwrap() as z.ZodType);
  const isWrapper =
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodReadonly;
  return isWrapper ? alternatives(schema.unwrap() as z.ZodType) : [schema];
}

function inside(schema: z.ZodType, step: string | number): readonly z.ZodType[] {
  if (schema instanceof z.ZodArray) {
    return typeof step === "number" ? alternatives(schema.element as z.ZodType) : [];
  }
  if (schema instanceof z.ZodRecord) return alternatives(schema.valueType as z.ZodType);
  if (!(schema instanceof z.ZodObject)) return [];
  const shape: Readonly<Record<string, z.ZodType>> = schema.shape;
  return Object.hasOwn(shape, step) ? alternatives(shape[step]!) : [];
}
