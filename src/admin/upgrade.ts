import { type ChildProcess, spawn } from "node:child_process";
import type { Duplex, Readable } from "node:stream";
import { inheritanceFor } from "../base/inherited-sockets.ts";
import type { World } from "../base/world.ts";
import type { Descriptor } from "../server/crew.ts";
import type { TicketHeritage } from "../tls/ticket-secrets.ts";

/** How this program was started, to start it once more: what is there by now may be a newer one. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
}

export type UpgradeOutcome =
  | { readonly kind: "handed_over"; readonly pid: number }
  | {
      readonly kind: "refused";
      readonly reason: "upgrade_unavailable" | "upgrade_under_way" | "upgrade_failed";
      readonly message: string;
    };

export interface UpgradeParts {
  readonly world: Pick<World, "clock" | "log">;
  readonly command: Command | undefined; // undefined: a program that embeds the proxy
  readonly areForeign: boolean; // as in InheritedSockets
  /** Every listening socket, with its address. */
  descriptors(): Promise<readonly Descriptor[]>;
  /** What session tickets are sealed with, so that sessions outlive this process. */
  tickets(): TicketHeritage | undefined;
  /** The new process serves: this one is to go. Not waited for. */
  handOver(): void;
}

/** Where a new process tells that it is ready: the number of a descriptor. */
export const READY_PIPE = "SLUICE_HANDOVER_PIPE";
/** How many bytes about tickets it is told there before: what is in the environment can be read by others. */
export const TICKETS_BYTES = "SLUICE_HANDOVER_TICKETS";

const READY_MS = 60_000; // for all that a start does, first answers of name servers included

/**
 * Starts the program anew with our listening sockets, and goes when it is ready. Both have the same
 * sockets, with one queue each, so no connection finds nobody. Where the new one does not
 * become ready, it is ended, and nothing has happened.
 */
export class Upgrade {
  readonly #parts: UpgradeParts;
  #isUnderWay: boolean;

  constructor(parts: UpgradeParts) {
    this.#parts = parts;
    this.#isUnderWay = false;
  }

  async run(): Promise<UpgradeOutcome> {
    const { command, world } = this.#parts;
    if (command === undefined) {
      const message = "Only what sluice run or sluice proxy has started can start itself anew.";
      return { kind: "refused", reason: "upgrade_unavailable", message };
    }
    if (this.#isUnderWay) {
      const message = "An upgrade is under way, or is done.";
      return { kind: "refused", reason: "upgrade_under_way", message };
    }
    this.#isUnderWay = true;
    try {
      const { areForeign } = this.#parts;
      const child = start(command, await this.#parts.descriptors(), {
        areForeign,
        tickets: JSON.stringify(this.#parts.tickets() ?? null),
      });
      await this.#ready(child);
      const pid = child.pid!; // it has spoken, so it is there
      world.log.info("handed over to another process", { pid });
      this.#parts.handOver();
      return { kind: "handed_over", pid };
    } catch (error) {
      this.#isUnderWay = false;
      const message = error instanceof Error ? error.message : String(error);
      world.log.warn("upgrade failed, this process goes on", { reason: message });
      return { kind: "refused", reason: "upgrade_failed", message };
    }
  }

  #ready(child: ChildProcess): Promise<void> {
    const pipe = child.stdio.at(-1) as Readable; // as it was asked for
    const { clock } = this.#parts.world;
    return new Promise((resolve, reject) => {
      const fail = (message: string) => {
        timer.cancel();
        child.kill("SIGKILL");
        reject(new Error(message));
      };
      const timer = clock.after(READY_MS, () => fail(`not ready within ${READY_MS / 1000} s`));
      pipe.once("data", () => {
        timer.cancel();
        pipe.destroy();
        child.removeAllListeners();
        child.on("error", () => {});
        child.unref();
        resolve();
      });
      pipe.on("error", () => {});
      child.once("error", (error) => fail(error.message));
      child.once("exit", (code, signal) =>
        fail(`the new process ended with ${signal ?? `code ${code}`} before it was ready`),
      );
    });
  }
}

function start(
  { file, args }: Command,
  descriptors: readonly Descriptor[],
  { areForeign, tickets }: { readonly areForeign: boolean; readonly tickets: string },
): ChildProcess {
  const sockets = descriptors.map(([, descriptor]) => descriptor);
  const keys = descriptors.map(([key]) => key);
  const child = spawn(file, args, {
    stdio: ["inherit", "inherit", "inherit", ...sockets, "pipe"],
    env: {
      ...process.env,
      ...inheritanceFor(keys, { parentPid: process.pid, areForeign }),
      [READY_PIPE]: String(3 + sockets.length),
      [TICKETS_BYTES]: String(Buffer.byteLength(tickets)),
    },
  });
  const pipe = child.stdio.at(-1) as Duplex; // of both directions
  pipe.on("error", () => {}); // a child that is gone is told of by its exit
  pipe.write(tickets);
  return child;
}
