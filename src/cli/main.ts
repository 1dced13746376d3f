import { COMMIT, VERSION } from "../base/version.ts";
import { didYouMean } from "../config/suggest.ts";
import type { Command, CommandIo } from "./command.ts";
import { COMMANDS } from "./commands.ts";

/** The command line without the program's name → the exit code. */
export async function main(args: readonly string[], io: CommandIo): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined) {
    io.stderr.write(overview());
    return 2;
  }
  if (name === "--version" || name === "-v") {
    io.stdout.write(`sluice ${VERSION}${COMMIT === "" ? "" : ` (${COMMIT})`}\n`);
    return 0;
  }
  if (name === "help" || isHelp(name)) return help(rest[0], io);

  const command = COMMANDS.find((each) => each.name === name);
  if (command === undefined) return unknownCommand(name, io);
  if (rest.some(isHelp)) return help(name, io);
  if (command.load === undefined) {
    io.stderr.write(`sluice ${name}: not supported yet\n`);
    return 2;
  }
  return start(command, command.load, rest, io);
}

async function start(
  command: Command,
  load: NonNullable<Command["load"]>,
  args: readonly string[],
  io: CommandIo,
): Promise<number> {
  try {
    const run = await load();
    return await run(args, io);
  } catch (error) {
    io.stderr.write(`sluice ${command.name}: ${told(error)}\n`);
    return 1;
  }
}

/** What the system refused needs no stack (an address in use, say); a bug does. */
function told(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isExpected = "syscall" in error || error.name === "Error";
  return isExpected ? error.message : (error.stack ?? error.message);
}

function isHelp(word: string): boolean {
  return word === "--help" || word === "-h";
}

async function help(name: string | undefined, io: CommandIo): Promise<number> {
  const command = COMMANDS.find((each) => each.name === name);
  if (name !== undefined && command === undefined) return unknownCommand(name, io);
  io.stdout.write(command === undefined ? overview() : helpOf(command));
  return 0;
}

async function unknownCommand(name: string, io: CommandIo): Promise<number> {
  const known = COMMANDS.map((command) => command.name);
  io.stderr.write(`sluice: there is no command ${name}${didYouMean(name, known)}\n`);
  io.stderr.write("Try: sluice --help\n");
  return 2;
}

function helpOf({ name, usage, about, help }: Command): string {
  const line = `Usage: sluice ${name} ${usage}`.trimEnd();
  return `${line}\n\n${about}\n${help === "" ? "" : `\n${help}\n`}`;
}

function overview(): string {
  const built = COMMANDS.filter((command) => command.load !== undefined);
  const later = COMMANDS.filter((command) => command.load === undefined);
  const width = Math.max(...built.map(({ name }) => name.length));
  const rows = built.map(({ name, about }) => `  ${name.padEnd(width)}  ${about}`);
  return [
    `Usage: sluice COMMAND [OPTIONS]\n`,
    ...rows,
    `\nNot supported yet: ${later.map((command) => command.name).join(", ")}`,
    `\nsluice COMMAND --help tells more; sluice --version tells which one this is.\n`,
  ].join("\n");
}
