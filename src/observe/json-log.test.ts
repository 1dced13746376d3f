import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { SystemClock } from "../base/system-clock.ts";
import { JsonLog, type LogLevel } from "./json-log.ts";
import { LogSink } from "./log-sink.ts";

const realClock = new SystemClock();

const folder = mkdtempSync(join(tmpdir(), "sluice-json-log-"));
after(() => rmSync(folder, { recursive: true }));
let fileCount = 0;

interface Shape {
  readonly level?: LogLevel;
  readonly isReadable?: boolean;
}

async function said(speak: (log: JsonLog) => void, shape: Shape = {}): Promise<string> {
  const destination = join(folder, String(fileCount++));
  const sink = await LogSink.open({ destination, clock: realClock, log: undefined });
  speak(new JsonLog({ sink, clock: { wallMs: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6) }, ...shape }));
  await sink.close();
  return readFileSync(destination, "latin1");
}

const cycle: Record<string, unknown> = { name: "cycle" };
cycle["self"] = cycle;

// biome-ignore format: a table
const fields: [name: string, given: Record<string, unknown>, wanted: Record<string, unknown>][] = [
  ["plain values",            { a: 1, b: "x", c: true, d: null },       { a: 1, b: "x", c: true, d: null }],
  ["nothing for undefined",   { a: undefined },                         {}],
  ["what JSON has no word for", { a: 5n, b: Number.NaN, c: Symbol("s") }, { a: "5", b: "NaN", c: "Symbol(s)" }],
  ["names of ours",           { time: 1, level: "x", message: "y" },    { _time: 1, _level: "x", _message: "y" }],
  ["secrets",                 { authorization: "x", Cookie: "x", apiKey: "x", a: { token: "x" } },
    { authorization: "REDACTED", Cookie: "REDACTED", apiKey: "REDACTED", a: { token: "REDACTED" } }],
  ["control bytes and latin1", { a: "\x1b[2J\x7f\x9b\u2028" },          { a: "\x1b[2J\x7f\x9b\u2028" }],
  ["a long text, cut",        { a: "x".repeat(9000) },                  { a: `${"x".repeat(8192)}…` }],
];

for (const [name, given, wanted] of fields) {
  test(`JsonLog: ${name}`, async () => {
    const text = await said((log) => log.warn("m", given));

    assert.match(text, /^[ -~]+\n$/);
    const ours = { time: "2026-01-02T03:04:05.006Z", level: "warn", message: "m" };
    assert.deepEqual(JSON.parse(text), { ...ours, ...wanted });
  });
}

test("JsonLog: a cycle ends, and an error brings its stack", async () => {
  const text = await said((log) => log.error("m", { cycle, error: new Error("boom") }));

  const line = JSON.parse(text);
  assert.equal(line.cycle.self.name, "cycle");
  assert.match(line.error, /^Error: boom\n {4}at /);
});

test("JsonLog: what is below the level is not written", async () => {
  const text = await said(
    (log) => {
      log.debug("a");
      log.info("b");
      log.warn("c");
      log.error("d");
    },
    { level: "warn" },
  );

  assert.deepEqual(text.match(/"message":"."/g), ['"message":"c"', '"message":"d"']);
});

test("JsonLog: the readable form, which no field can break out of", async () => {
  const speak = (log: JsonLog) => log.info('said "hi"\n', { path: "/a", text: "a b\x1b[2J", n: 1 });

  const text = await said(speak, { isReadable: true });

  assert.equal(text, '03:04:05.006 info  said "hi"\\n path=/a text="a b\\u001b[2J" n=1\n');
});
