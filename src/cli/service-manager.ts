/**
 * What a service manager is told: readiness, reloads, another main process, signs of life, in the
 * words of sd_notify(3). Node has no datagram sockets of the unix kind, so the program that systemd
 * brings for it is run; where NOTIFY_SOCKET is not set, nobody wants to know.
 */
import { execFile } from "node:child_process";
import type { Clock, Timer } from "../base/world.ts";
import type { Output } from "./command.ts";

const TELL_MS = 5_000;

export class ServiceManager {
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #clock: Clock;
  readonly #stderr: Output;
  #isComplained: boolean;
  #alive: Timer | undefined;
  #isGone: boolean;

  constructor(env: Readonly<Record<string, string | undefined>>, clock: Clock, stderr: Output) {
    this.#env = env;
    this.#clock = clock;
    this.#stderr = stderr;
    this.#isComplained = false;
    this.#alive = undefined;
    this.#isGone = false;
  }

  /** MAINPID: after an upgrade we are another process than the one that systemd has started. */
  async ready(): Promise<void> {
    await this.#tell(["READY=1", `MAINPID=${process.pid}`, "STATUS=serving"]);
    this.#liveOn();
  }

  async reloading(): Promise<void> {
    const us = Math.round(this.#clock.nowMs() * 1000); // CLOCK_MONOTONIC, which is wanted
    await this.#tell(["RELOADING=1", `MONOTONIC_USEC=${us}`]);
  }

  async reloaded(): Promise<void> {
    await this.#tell(["READY=1"]);
  }

  async stopping(): Promise<void> {
    await this.#tell(["STOPPING=1"]);
  }

  /** Another process is the main one, and says so itself. */
  leave(): void {
    this.#isGone = true;
    this.#alive?.cancel();
  }

  /** Twice in each period. A process whose event loop stands still does not say it is alive. */
  #liveOn(): void {
    const periodMs = Number(this.#env["WATCHDOG_USEC"] ?? 0) / 1000;
    if (!(periodMs > 0)) return;
    this.#alive?.cancel();
    this.#alive = this.#clock.after(periodMs / 2, () => {
      void this.#tell(["WATCHDOG=1"]);
      this.#liveOn();
    });
  }

  /** A manager that cannot be told is no reason not to serve. */
  #tell(variables: readonly string[]): Promise<void> {
    if (this.#isGone || this.#env["NOTIFY_SOCKET"] === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      execFile("systemd-notify", variables, { timeout: TELL_MS }, (error) => {
        if (error !== null && !this.#isComplained) {
          this.#isComplained = true;
          const why = error.message.split("\n")[0];
          this.#stderr.write(`sluice: cannot tell the service manager: ${why}\n`);
        }
        resolve();
      });
    });
  }
}
