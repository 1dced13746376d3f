/** The config reference, as Markdown: every key with its form and use, from the schema. */
import { type JsonSchema, jsonSchema } from "../../src/config/json-schema.ts";
import { vocabulary } from "../../src/features/index.ts";

/** docs/reference/config.md; `tools/docs.ts` writes it. */
export function configReference(): string {
  const root = jsonSchema(vocabulary);
  const rows = new Rows(root);
  rows.add(root, "");
  return `${HEAD}\n${rows.lines.join("\n")}\n`;
}

const HEAD = `# Config reference

Every key that a config may have, written by \`npm run docs\` from the schema that checks it.
[The config guide](../config.md) says how they go together. Durations are written \`"500ms"\`,
\`"10s"\`, \`"5m"\`, \`"1h"\` or \`"1d"\`, sizes \`"64KiB"\`, \`"10MiB"\` or a count of bytes, rates
\`"500B/s"\` or a count of bytes.

| Key | Form | About |
|---|---|---|`;

const DEPTH_MAX = 8;

class Rows {
  readonly lines: string[] = [];
  readonly #told = new Map<string, string>(); // a map's schema → the key that has told its keys
  readonly #root: JsonSchema;

  constructor(root: JsonSchema) {
    this.#root = root;
  }

  add(schema: JsonSchema, path: string, depth = 0): void {
    if (depth > DEPTH_MAX) return; // a match may hold matches
    for (const arm of this.#arms(schema)) {
      const required = new Set(arm.required ?? []);
      for (const [key, value] of Object.entries(arm.properties ?? {})) {
        this.#row(value as JsonSchema, `${path}${key}`, { isRequired: required.has(key), depth });
      }
      const { items, additionalProperties } = arm;
      if (isSchema(items)) this.add(items, `${path.replace(/\.$/, "")}[].`, depth + 1);
      if (isSchema(additionalProperties)) {
        const name = `${path}${path === "listeners." ? "ADDRESS" : "NAME"}`;
        this.#row(additionalProperties, name, { isRequired: false, depth });
      }
    }
  }

  #row(value: JsonSchema, path: string, how: { isRequired: boolean; depth: number }): void {
    if (this.#arms(value).every((arm) => arm.not !== undefined)) return; // not supported yet
    const told = this.#toldAt(value, path);
    const about = [
      this.#about(value),
      how.isRequired ? "Required." : "",
      told ? `As \`${told}\`.` : "",
    ];
    const text = cell(about.filter((part) => part !== "").join(" "));
    const line = `| \`${path}\` | ${cell(this.#form(value))} | ${text} |`;
    if (this.lines.includes(line)) return; // arms of a union that share a key
    this.lines.push(line);
    if (told === undefined) this.add(value, `${path}.`, how.depth + 1);
  }

  /** Limits, retries and the like stand in several places; their keys are told once. */
  #toldAt(value: JsonSchema, path: string): string | undefined {
    if (this.#arms(value).every((arm) => arm.properties === undefined)) return undefined;
    const key = JSON.stringify(this.#resolved(value));
    const told = this.#told.get(key);
    if (told === undefined) this.#told.set(key, path);
    return told;
  }

  #about(schema: JsonSchema): string {
    return schema.description ?? this.#resolved(schema).description ?? "";
  }

  #resolved(schema: JsonSchema): JsonSchema {
    const name = schema.$ref?.split("/").at(-1);
    if (schema.$ref === "#") return this.#root;
    return (name === undefined ? undefined : this.#root.$defs?.[name]) ?? schema;
  }

  #arms(schema: JsonSchema): JsonSchema[] {
    const resolved = this.#resolved(schema);
    const arms = resolved.anyOf ?? resolved.oneOf ?? resolved.allOf;
    return arms === undefined ? [resolved] : arms.flatMap((arm) => this.#arms(arm as JsonSchema));
  }

  #form(schema: JsonSchema, depth = 0): string {
    const forms = new Set(this.#arms(schema).map((arm) => this.#armForm(arm, depth)));
    // A size or a rate may also be a plain count of bytes, which the head of the page says.
    if (forms.has("size") || forms.has("rate")) forms.delete("whole number");
    return [...forms].join(" or ");
  }

  #armForm(arm: JsonSchema, depth: number): string {
    if (arm.const !== undefined) return `\`${String(arm.const)}\``;
    if (arm.enum !== undefined) return arm.enum.map((word) => `\`${String(word)}\``).join(", ");
    if (arm.type === "array") return this.#listForm(arm.items, depth);
    if (arm.type === "string") return textForm(arm.pattern ?? "");
    if (arm.type === "object") return "map";
    if (arm.type === "integer") return "whole number";
    if (arm.type === "boolean") return "`true`, `false`";
    return String(arm.type ?? "any");
  }

  // JSON may hold lists of lists without end; one level says enough.
  #listForm(items: unknown, depth: number): string {
    if (!isSchema(items) || depth > 0) return "list";
    const form = this.#form(items, depth + 1);
    return form.includes(" or ") ? `list of (${form})` : `list of ${form}`;
  }
}

/** The fields of core/fields.ts are known by their patterns. */
function textForm(pattern: string): string {
  if (pattern.includes("ms|s|m|h|d")) return "duration";
  if (pattern.includes("\\/s")) return "rate";
  return pattern.includes("KiB|MiB") ? "size" : "text";
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
