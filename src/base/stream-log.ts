import type { Clock, Log } from "./world.ts";

/** One JSON line per message: time, level, message, then the fields. */
export class StreamLog implements Log {
  readonly #clock: Pick<Clock, "wallMs">;
  readonly #write: (line: string) => void;

  constructor(clock: Pick<Clock, "wallMs">, write: (line: string) => void) {
    this.#clock = clock;
    this.#write = write;
  }

  info(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#line("info", message, fields);
  }

  warn(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#line("warn", message, fields);
  }

  #line(level: string, message: string, fields?: Readonly<Record<string, unknown>>): void {
    const time = new Date(this.#clock.wallMs()).toISOString();
    // Ours last: a field cannot pass itself off as the time or the level.
    this.#write(`${JSON.stringify({ ...fields, time, level, message })}\n`);
  }
}
