/** What this process was given by the one before it, or by systemd, and how it answers. */
import { closeSync, readSync, writeSync } from "node:fs";
import { type Command, READY_PIPE, TICKETS_BYTES } from "../admin/upgrade.ts";
import { INHERITANCE_VARIABLES, InheritedSockets } from "../base/inherited-sockets.ts";
import type { TicketHeritage } from "../tls/ticket-secrets.ts";

export interface Handover {
  readonly inherited: InheritedSockets;
  readonly tickets: TicketHeritage | undefined;
  /** Whoever hands over goes from now on. */
  tellReady(): void;
}

/** Once per process: whom we start is to inherit from us and from nobody else. */
export function takeHandover(): Handover {
  const { env, pid, ppid: parentPid } = process;
  const inherited = InheritedSockets.from({ env, pid, parentPid });
  const isFromParent = Number(env["SLUICE_HANDOVER_FROM"]) === parentPid;
  const pipe = isFromParent ? Number(env[READY_PIPE]) : Number.NaN;
  const tickets = Number.isInteger(pipe)
    ? ticketsFrom(pipe, Number(env[TICKETS_BYTES]))
    : undefined;
  for (const name of [...INHERITANCE_VARIABLES, READY_PIPE, TICKETS_BYTES]) delete env[name];
  return {
    inherited,
    tickets,
    tellReady() {
      if (!Number.isInteger(pipe)) return;
      try {
        writeSync(pipe, "ready\n");
        closeSync(pipe);
      } catch {
        // Whoever started us is gone, so there is nobody to go.
      }
    },
  };
}

const TICKETS_BYTES_MAX = 4_096;

/** It was written when we were started. Without it sessions begin anew, and nothing else is lost. */
function ticketsFrom(pipe: number, count: number): TicketHeritage | undefined {
  if (!(count > 0 && count <= TICKETS_BYTES_MAX)) return undefined;
  const bytes = Buffer.alloc(count);
  try {
    for (let at = 0; at < count; ) {
      const more = readSync(pipe, bytes, at, count - at, null);
      if (more === 0) return undefined;
      at += more;
    }
    return (JSON.parse(bytes.toString()) as TicketHeritage | null) ?? undefined;
  } catch {
    return undefined;
  }
}

/** As it was started, flags of the runtime included. */
export function commandOfThis(): Command {
  return { file: process.execPath, args: [...process.execArgv, ...process.argv.slice(1)] };
}
