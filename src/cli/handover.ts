/** What this process was given by the one before it, or by systemd, and how it answers. */
import { closeSync, writeSync } from "node:fs";
import { type Command, READY_PIPE } from "../admin/upgrade.ts";
import { INHERITANCE_VARIABLES, InheritedSockets } from "../base/inherited-sockets.ts";

export interface Handover {
  readonly inherited: InheritedSockets;
  /** Whoever hands over goes from now on. */
  tellReady(): void;
}

/** Once per process: whom we start is to inherit from us and from nobody else. */
export function takeHandover(): Handover {
  const { env, pid, ppid: parentPid } = process;
  const inherited = InheritedSockets.from({ env, pid, parentPid });
  const isFromParent = Number(env["SLUICE_HANDOVER_FROM"]) === parentPid;
  const pipe = isFromParent ? Number(env[READY_PIPE]) : Number.NaN;
  for (const name of [...INHERITANCE_VARIABLES, READY_PIPE]) delete env[name];
  return {
    inherited,
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

/** As it was started, flags of the runtime included. */
export function commandOfThis(): Command {
  return { file: process.execPath, args: [...process.execArgv, ...process.argv.slice(1)] };
}
