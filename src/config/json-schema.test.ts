import assert from "node:assert/strict";
import { test } from "node:test";
import { testVocabulary } from "../../test/support/vocabulary.ts";
import { LIMITS, TIMEOUTS } from "../core/limits.ts";
import { vocabulary } from "../features/index.ts";
import { type ConfigInput, defineConfig } from "./define.ts";
import { type JsonSchema, jsonSchema } from "./json-schema.ts";

/** Every schema in the document, with where it is. */
function* schemas(
  value: unknown,
  path = "",
): Generator<readonly [path: string, schema: JsonSchema]> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield [path, value as JsonSchema];
  for (const [key, inner] of Object.entries(value)) yield* schemas(inner, `${path}/${key}`);
}

test("jsonSchema: every key says what it is for", () => {
  const silent: string[] = [];

  for (const [path, schema] of schemas(jsonSchema(vocabulary))) {
    for (const [key, value] of Object.entries(schema.properties ?? {})) {
      const { description, not } = value as JsonSchema;
      if (description === undefined && not === undefined) silent.push(`${path}/${key}`);
    }
  }

  assert.deepEqual(silent, []);
});

test("jsonSchema: no map takes keys that nobody knows", () => {
  const all = [vocabulary, testVocabulary].flatMap((words) => [...schemas(jsonSchema(words))]);

  const open = all
    .filter(([, schema]) => schema.type === "object" && schema.properties !== undefined)
    .filter(([, schema]) => schema.additionalProperties !== false)
    .map(([path]) => path);

  assert.deepEqual(open, []);
});

test("jsonSchema: limits and timeouts have exactly the names of core/limits.ts", () => {
  const { properties = {} } = jsonSchema(vocabulary);
  const keysOf = (key: string) =>
    Object.keys((properties[key] as JsonSchema).properties ?? {}).sort();

  assert.deepEqual(keysOf("limits"), Object.keys(LIMITS).sort());
  assert.deepEqual(keysOf("timeouts"), Object.keys(TIMEOUTS).sort());
});

test("jsonSchema: it is plain JSON", () => {
  const schema = jsonSchema(testVocabulary);

  assert.deepEqual(JSON.parse(JSON.stringify(schema)), schema);
  assert.equal(schema.$schema, "https://json-schema.org/draft/2020-12/schema");
});

test("defineConfig: the type knows the keys and refuses others", () => {
  const config: ConfigInput = {
    upstreams: {
      web: "http://localhost:3000",
      api: { endpoints: ["a:80", { url: "b:80", weight: 2 }] },
    },
    timeouts: { write: "off" },
    sites: [
      { hosts: ["*"], listen: [":8080"], routes: [{ match: { path: "/a" }, forward: "web" }] },
    ],
  };

  assert.equal(defineConfig(config), config);
  // @ts-expect-error a key that is not there
  defineConfig({ sites: [], upstream: {} });
  // @ts-expect-error a key of a later release
  defineConfig({ sites: [], tests: {} });
  // @ts-expect-error a number where a duration is wanted
  defineConfig({ sites: [], timeouts: { write: 5 } });
  // @ts-expect-error a word that is not one of them
  defineConfig({ sites: [], upstreams: { web: { endpoints: "a:80", balance: "fastest" } } });
  // @ts-expect-error an unknown key of a route
  defineConfig({ sites: [{ hosts: ["*"], routes: [{ froward: "web" }] }] });
});
