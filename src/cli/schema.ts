/** `sluice schema`: the JSON Schema of the config, for editors. */
import { jsonSchema } from "../config/json-schema.ts";
import { vocabulary } from "../features/index.ts";
import type { AnswerIo } from "./command.ts";

export const SCHEMA_USAGE = "Usage: sluice schema";

export async function schema(args: readonly string[], io: AnswerIo): Promise<number> {
  if (args.length > 0) {
    io.stderr.write(`sluice schema: takes no arguments, got ${args.join(" ")}\n${SCHEMA_USAGE}\n`);
    return 2;
  }
  io.stdout.write(`${JSON.stringify(jsonSchema(vocabulary), undefined, 2)}\n`);
  return 0;
}
