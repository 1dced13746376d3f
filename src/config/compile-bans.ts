import type { Bans } from "../core/bans.ts";
import type { Machine } from "../core/machine.ts";
import type { StateDraft } from "../core/state.ts";
import type { Worker } from "../core/worker.ts";
import { ClientBans } from "../stores/bans/bans.ts";
import type { Config } from "./config.ts";

interface BanTools {
  readonly worker: Worker;
  readonly draft: StateDraft;
  readonly machine: Machine;
  readonly isDry?: boolean;
}

type Memory = Record<keyof typeof ClientBans.byteLengths, SharedArrayBuffer>;

/** Scores and bans outlive a reload, whatever its rules are. */
export function bansOf(
  { bans, listeners, streamListeners }: Config,
  { worker, draft, machine, isDry }: BanTools,
): Bans | undefined {
  if (bans === undefined || isDry === true) return undefined;
  // Whoever speaks for others with PROXY headers: what fails before one is read is not its doing.
  const proxies = [...listeners, ...streamListeners].flatMap(({ proxiesFrom = [] }) => proxiesFrom);
  const exempt = [...bans.exempt, ...proxies.filter((each) => each !== "unix")];
  const memory = draft.keep("bans", () => {
    const blocks = Object.entries(ClientBans.byteLengths).map(([name, byteLength]) => {
      return [name, machine.block(`bans ${name}`, byteLength)];
    });
    return Object.fromEntries(blocks) as Memory;
  });
  const options = { ...bans, exempt };
  return new ClientBans(options, memory, worker.world, (reason) => worker.banned?.(reason));
}
