import type { Wire } from "../base/world.ts";
import type { Fault } from "../core/fault.ts";
import type { Runtime } from "../core/runtime.ts";
import type { Worker } from "../core/worker.ts";
import { plainAddress } from "../transport/wire-peer.ts";

interface Doorway {
  readonly key: string;
  readonly runtime: Runtime;
}

/** Whoever is banned, and has a connection: it is reset, which leaves nothing of it behind. */
export function isKeptOut(wire: Wire, { key, runtime }: Doorway, worker: Worker): boolean {
  const { bans } = runtime;
  if (bans === undefined || !bans.refusesConnections) return false;
  if (bans.remainingMs(plainAddress(wire.remoteAddress)) === 0) return false;
  worker.connectionShed(key, BANNED);
  return true;
}

const BANNED: Fault = { code: "banned", detail: "" };
