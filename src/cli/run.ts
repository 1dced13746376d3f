/** `sluice run`: loads a config, checks it, and serves until a signal says stop. */
import type { CommandIo } from "./command.ts";
import { readOptions } from "./options.ts";
import { checkConfig, createProxy, type LoadedConfig, loadConfig } from "./product.ts";
import { serveUntilStopped } from "./running.ts";

export async function run(args: readonly string[], io: CommandIo): Promise<number> {
  const options = readOptions("run", args, { config: { type: "string", short: "c" } }, io);
  if (options === undefined) return 2;
  return serve(await loadConfig(io.cwd, options.config), io);
}

/** 1 if the config has problems or an address cannot be bound; else when it has been stopped. */
export async function serve(loaded: LoadedConfig, io: CommandIo): Promise<number> {
  const { problems, warnings } = await checkConfig(loaded);
  for (const line of warnings) io.stderr.write(`warning: ${line}\n`);
  for (const line of problems) io.stderr.write(`${line}\n`);
  if (problems.length > 0) return 1;
  return serveUntilStopped(await createProxy(loaded), io);
}
