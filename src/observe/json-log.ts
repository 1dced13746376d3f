import type { Clock, Log } from "../base/world.ts";
import type { LogSink } from "./log-sink.ts";

const LEVELS = { debug: 0, info: 1, warn: 2, error: 3 } as const;

export type LogLevel = keyof typeof LEVELS;

type Fields = Readonly<Record<string, unknown>>;

export interface JsonLogOptions {
  readonly sink: Pick<LogSink, "writeLine">;
  readonly clock: Pick<Clock, "wallMs">;
  readonly level?: LogLevel; // the least that is written; "info"
  readonly fields?: Fields; // of every line, before its own
  readonly isReadable?: boolean; // for a terminal: 03:04:05.678 warn  message key=value
}

const TEXT_CHARS_MAX = 8 * 1024;
const DEPTH_MAX = 4;
const ENTRIES_MAX = 100;
// A3: what must not be in any log, by the name it goes under.
const SECRET = /authorization|cookie|passw|secret|token|api[-_]?key|private[-_]?key|credential/i;

/** The program's own log: one line per event, JSON or readable. */
export class JsonLog implements Log {
  readonly #sink: Pick<LogSink, "writeLine">;
  readonly #clock: Pick<Clock, "wallMs">;
  readonly #fields: Fields;
  readonly #isReadable: boolean;
  level: LogLevel; // the least that is written; a reload may change it

  constructor(options: JsonLogOptions) {
    this.#sink = options.sink;
    this.#clock = options.clock;
    this.#fields = options.fields ?? {};
    this.#isReadable = options.isReadable ?? false;
    this.level = options.level ?? "info";
  }

  debug(message: string, fields?: Fields): void {
    this.#write("debug", message, fields);
  }

  info(message: string, fields?: Fields): void {
    this.#write("info", message, fields);
  }

  warn(message: string, fields?: Fields): void {
    this.#write("warn", message, fields);
  }

  error(message: string, fields?: Fields): void {
    this.#write("error", message, fields);
  }

  #write(level: LogLevel, message: string, fields: Fields = {}): void {
    if (LEVELS[level] < LEVELS[this.level]) return;
    const time = new Date(this.#clock.wallMs()).toISOString();
    const plain = plainFields({ ...this.#fields, ...fields }, 0);
    const line = this.#isReadable
      ? readable(time, level, message, plain)
      : asciiJson({ time, level, message: cut(message), ...renamed(plain) });
    this.#sink.writeLine(`${line}\n`);
  }
}

/** A field must not pose as one of ours. */
function renamed(fields: Fields): Fields {
  const ours = ["time", "level", "message"];
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [ours.includes(name) ? `_${name}` : name, value]),
  );
}

function readable(time: string, level: LogLevel, message: string, fields: Fields): string {
  const words = Object.entries(fields).map(([name, value]) => {
    const isPlain = typeof value === "string" && /^[\w./:@+-]+$/.test(value);
    return ` ${name}=${isPlain ? value : asciiJson(value)}`;
  });
  // Escaped like the rest: whoever reads it on a terminal must not be written to by a peer.
  const text = asciiJson(cut(message)).slice(1, -1).replaceAll('\\"', '"');
  return `${time.slice(11, 23)} ${level.padEnd(5)} ${text}${words.join("")}`;
}

function asciiJson(value: unknown): string {
  return (JSON.stringify(value) ?? "null").replace(
    /[\x7f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function plainFields(fields: object, depth: number): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields).slice(0, ENTRIES_MAX)) {
    if (value !== undefined)
      plain[name] = SECRET.test(name) ? "REDACTED" : plainValue(value, depth);
  }
  return plain;
}

/** What JSON can say, whatever it is given: cycles end at a depth, a bigint becomes text. */
function plainValue(value: unknown, depth: number): unknown {
  if (typeof value === "string") return cut(value);
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value === "boolean" || value === null) return value;
  if (value instanceof Error) return cut(value.stack ?? value.message);
  if (value instanceof Date) return String(value);
  if (typeof value !== "object") return cut(String(value));
  if (depth >= DEPTH_MAX) return "…";
  if (Array.isArray(value)) {
    return value.slice(0, ENTRIES_MAX).map((each) => plainValue(each, depth + 1));
  }
  return plainFields(value, depth + 1);
}

function cut(text: string): string {
  return text.length <= TEXT_CHARS_MAX ? text : `${text.slice(0, TEXT_CHARS_MAX)}…`;
}
