/** `sluice run`: loads a config, checks it, and serves until a signal says stop. */
import { type ReloadOutcome, RunningProxy } from "../admin/running-proxy.ts";
import { SystemClock } from "../base/system-clock.ts";
import { check } from "../config/check.ts";
import { type Loaded, load } from "../config/load.ts";
import { problemLine } from "../config/problems.ts";
import { vocabulary } from "../features/index.ts";
import type { CommandIo } from "./command.ts";
import { commandOfThis, takeHandover } from "./handover.ts";
import { readOptions } from "./options.ts";
import { PidFile } from "./pid-file.ts";
import { serveUntilStopped } from "./running.ts";
import { ServiceManager } from "./service-manager.ts";

const OPTIONS = {
  config: { type: "string", short: "c" },
  "pid-file": { type: "string" },
} as const;

export async function run(args: readonly string[], io: CommandIo): Promise<number> {
  const options = readOptions("run", args, OPTIONS, io);
  if (options === undefined) return 2;
  const { config, "pid-file": pidFile } = options;
  const where = config === undefined ? { folder: io.cwd } : { folder: io.cwd, file: config };
  return serve(() => load(where), { workers: "auto", pidFile }, io);
}

/**
 * Serves what `loads` answers with, and takes it anew on SIGHUP. 1 if the config has problems or
 * an address cannot be bound; else the answer comes when it has been stopped.
 */
export async function serve(
  loads: () => Loaded | Promise<Loaded>,
  { workers, pidFile }: ServeOptions,
  io: CommandIo,
): Promise<number> {
  const { inherited, tickets, tellReady } = takeHandover();
  const loaded = await loads();
  if (!tells(loaded, io)) return 1;
  const file = new PidFile(pidFile);
  const manager = new ServiceManager(process.env, new SystemClock(), io.stderr);
  const command = commandOfThis();
  const start = { source: loads, workers, inherited, tickets, command };
  const starting = RunningProxy.start(loaded, start);
  const code = await serveUntilStopped(starting, io, {
    async started() {
      file.write();
      await manager.ready();
      tellReady();
      void (await starting).handedOver.then(() => manager.leave());
    },
    async reload() {
      await manager.reloading();
      await reload(await starting, io);
      await manager.reloaded();
    },
    async upgrade() {
      const outcome = await (await starting).upgrade();
      if (outcome.kind === "handed_over") {
        io.stderr.write(`sluice: process ${outcome.pid} serves, this one finishes\n`);
      } else {
        io.stderr.write(`sluice: not upgraded: ${outcome.message}\n`);
      }
    },
    stopping: () => void manager.stopping(),
  });
  file.remove();
  return code;
}

export interface ServeOptions {
  readonly workers: number | "auto";
  readonly pidFile?: string | undefined;
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
