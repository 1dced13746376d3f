import { randomInt } from "node:crypto";
import { memoryShare } from "./memory-share.ts";
import { SeededRandom } from "./seeded-random.ts";
import { StreamLog } from "./stream-log.ts";
import { SystemClock } from "./system-clock.ts";
import { SystemFiles } from "./system-files.ts";
import { SystemNames } from "./system-names.ts";
import { SystemNetwork, type SystemNetworkOptions } from "./system-network.ts";
import { SystemWeb } from "./system-web.ts";
import type { Log, World } from "./world.ts";

export interface RealWorldOptions extends SystemNetworkOptions {
  readonly seed?: number; // of the random choices; another one each time by default
  readonly log?: Log; // JSON lines on stderr by default
}

/** The world of a running process: its clock, its network, chance, and its stderr. */
export function realWorld(options: RealWorldOptions = {}): World {
  const clock = new SystemClock();
  const log = options.log ?? stderrLog(clock);
  const random = new SeededRandom(options.seed ?? randomInt(2 ** 48 - 1));
  const network = new SystemNetwork(clock, log, options);
  const names = new SystemNames();
  return {
    clock,
    random,
    log,
    network,
    names,
    web: new SystemWeb(),
    files: new SystemFiles(),
    memoryShare,
  };
}

/** Whoever reads our stderr may go away (EPIPE). A proxy does not stop for want of a listener. */
function stderrLog(clock: SystemClock): Log {
  if (process.stderr.listenerCount("error") === 0) process.stderr.on("error", () => {});
  return new StreamLog(clock, (line) => process.stderr.write(line));
}
