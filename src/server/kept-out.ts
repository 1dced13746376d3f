import type { Wire } from "../base/world.ts";
import type { Fault } from "../core/fault.ts";
import type { Worker } from "../core/worker.ts";
import { plainAddress } from "../transport/wire-peer.ts";

/** Whoever is banned: the connection is to go without an answer, and has been counted. */
export function isKeptOut(wire: Wire, listenerKey: string, worker: Worker): boolean {
  const { bans } = worker;
  if (bans === undefined || !bans.refusesConnections) return false;
  if (bans.remainingMs(plainAddress(wire.remoteAddress)) === 0) return false;
  worker.connectionShed(listenerKey, BANNED);
  return true;
}

const BANNED: Fault = { code: "banned", detail: "" };
