import { type ParseArgsConfig, parseArgs } from "node:util";
import type { AnswerIo } from "./command.ts";

type Options = NonNullable<ParseArgsConfig["options"]>;

/** The options of one command, or undefined once the usage error has been told. */
export function readOptions<T extends Options>(
  name: string,
  args: readonly string[],
  options: T,
  io: AnswerIo,
) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: false }).values;
  } catch (error) {
    wrongUsage(name, error instanceof Error ? firstSentence(error.message) : String(error), io);
    return undefined;
  }
}

/** The exit code for it. */
export function wrongUsage(name: string, message: string, io: AnswerIo): 2 {
  io.stderr.write(`sluice ${name}: ${message}\nTry: sluice ${name} --help\n`);
  return 2;
}

/** parseArgs goes on to explain how to write positional arguments that begin with a dash. */
export function firstSentence(message: string): string {
  return message.split(". ")[0]!;
}
