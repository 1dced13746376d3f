import type { BanOptions } from "../stores/bans/bans.ts";
import type { ParsedConfig } from "./shape.ts";

export function settleBans({ bans, trust }: ParsedConfig): BanOptions | undefined {
  if (bans === undefined) return undefined;
  const { decay, ban, max, forget, exempt, ...same } = bans;
  // A proxy speaks for many; what it says of a client counts for that one.
  const proxies = (trust?.proxies ?? []).filter((each) => each !== "unix");
  return {
    ...same,
    decayMs: decay,
    banMs: ban,
    maxMs: Math.max(max, ban),
    forgetMs: forget,
    exempt: [...exempt, ...proxies],
  };
}
