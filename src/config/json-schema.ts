/** The JSON Schema of a config, from the same source that checks it: editors complete by it. */
import { z } from "../core/fields.ts";
import type { Vocabulary } from "./shape/routes.ts";
import { configSchema } from "./shape.ts";

export type JsonSchema = z.core.JSONSchema.BaseSchema;

export function jsonSchema(vocabulary: Vocabulary): JsonSchema {
  const schema = z.toJSONSchema(configSchema(vocabulary), {
    io: "input", // what is written, not what it becomes
    unrepresentable: "any", // a function, in a TypeScript config
  });
  return { ...schema, title: "Sluice config" };
}
