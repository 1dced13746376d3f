/** `sluice run`: loads a config, checks it, and serves until a signal says stop. */
import { type ReloadOutcome, RunningProxy } from "../admin/running-proxy.ts";
import { check } from "../config/check.ts";
import { type Loaded, load } from "../config/load.ts";
import { problemLine } from "../config/problems.ts";
import { vocabulary } from "../features/index.ts";
import type { CommandIo } from "./command.ts";
import { readOptions } from "./options.ts";
import { serveUntilStopped } from "./running.ts";

export async function run(args: readonly string[], io: CommandIo): Promise<number> {
  const options = readOptions("run", args, { config: { type: "string", short: "c" } }, io);
  if (options === undefined) return 2;
  const { config } = options;
  const where = config === undefined ? { folder: io.cwd } : { folder: io.cwd, file: config };
  return serve(() => load(where), "auto", io);
}

/**
 * Serves what `loads` answers with, and takes it anew on SIGHUP. 1 if the config has problems or
 * an address cannot be bound; else the answer comes when it has been stopped.
 */
export async function serve(
  loads: () => Loaded | Promise<Loaded>,
  workers: number | "auto",
  io: CommandIo,
): Promise<number> {
  const loaded = await loads();
  if (!tells(loaded, io)) return 1;
  const starting = RunningProxy.start(loaded, { source: loads, workers });
  return serveUntilStopped(starting, io, async () => reload(await starting, io));
}

/** A config with problems, or one that cannot be served, leaves the running one as it is. */
async function reload(running: RunningProxy, io: CommandIo): Promise<void> {
  await running.reopenLogs().catch((error: Error) => {
    io.stderr.write(`sluice: cannot reopen the log: ${error.message}\n`);
  });
  for (const line of outcomeLines(await running.reloadFromSource())) {
    io.stderr.write(`${line}\n`);
  }
}

/** What became of a reload, a line each. */
function outcomeLines(outcome: ReloadOutcome): string[] {
  if (outcome.kind === "refused") return [`sluice: not reloaded: ${outcome.message}`];
  if (outcome.kind === "problems") {
    const lines = outcome.problems.map(problemLine);
    return [...lines, "sluice: not reloaded, the running config stays"];
  }
  return [...outcome.warnings.map((warning) => `warning: ${warning}`), "sluice: reloaded"];
}

/** Tells problems and warnings, a line each; false if the config cannot run. */
function tells(loaded: Loaded, io: CommandIo): boolean {
  const { problems, warnings } = check(loaded, vocabulary);
  for (const warning of warnings) io.stderr.write(`warning: ${problemLine(warning)}\n`);
  for (const problem of problems) io.stderr.write(`${problemLine(problem)}\n`);
  return problems.length === 0;
}
