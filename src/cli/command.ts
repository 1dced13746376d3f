import type { EventEmitter } from "node:events";
import type { Readable } from "node:stream";

/** What a command may touch. A terminal has `isTTY`. */
export interface CommandIo {
  readonly stdin?: Input; // of commands that read
  readonly stdout: Output;
  readonly stderr: Output;
  readonly cwd: string;
  readonly signals: Pick<EventEmitter, "on" | "off">; // process
}

/** For a command that answers and ends. */
export type AnswerIo = Omit<CommandIo, "signals">;

export interface Input extends Readable {
  readonly isTTY?: boolean | undefined;
  setRawMode?(isRaw: boolean): unknown; // of a terminal: keys come as they are, and are not shown
}

export interface Output {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

/** Answers with the exit code: 0 done, 1 the answer is no, 2 wrong usage. */
export type Run = (args: readonly string[], io: CommandIo) => Promise<number>;

export interface Command {
  readonly name: string;
  readonly usage: string; // what follows the name
  readonly about: string; // one line
  readonly help: string; // what --help adds; "" if the line says it all
  /** Loads the command's code; undefined: not built yet. */
  readonly load: (() => Promise<Run>) | undefined;
}
