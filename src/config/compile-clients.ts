import { ClientLimit, clientCounts } from "../core/client-limit.ts";
import type { Machine } from "../core/machine.ts";
import type { StateDraft } from "../core/state.ts";
import { addressTest } from "./compile-streams.ts";
import type { Config } from "./config.ts";

/** How many connections one address may have on a listener; undefined: any number. */
export type ClientsOf = (listenerKey: string, max: number) => ClientLimit | undefined;

export function clientLimits(
  { trustedProxies }: Config,
  { draft, machine }: { readonly draft: StateDraft; readonly machine: Machine },
): ClientsOf {
  const isTrusted = addressTest(trustedProxies)!;
  return (key, max) => {
    if (max === Number.POSITIVE_INFINITY) return undefined;
    const counts = draft.keep(`listener ${key} clients`, () => clientCounts(machine, key));
    return new ClientLimit(counts, max, isTrusted);
  };
}
