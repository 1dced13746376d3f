import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { firstAnswer } from "./first-answer.ts";
import { processTree } from "./process-tree.ts";

export interface ChildCommand {
  readonly name: string;
  readonly command: readonly string[];
  readonly cores: string; // as taskset has it: "0", "0-1"
  readonly port: number;
  readonly outputPath: string; // stdout, appended, so that it can be cut while it is written
  readonly errorPath: string;
  readonly env?: Readonly<Record<string, string>>;
}

const STOP_MS = 3_000;
const live = new Set<Child>();

/** A pinned process that answers HTTP on a port. Disposing it stops the process. */
export class Child implements AsyncDisposable {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  readonly #process: ChildProcess;
  readonly #errorPath: string;
  readonly #ended: Promise<void>;

  constructor(wanted: ChildCommand) {
    const output = openSync(wanted.outputPath, "a");
    const errors = openSync(wanted.errorPath, "a");
    this.name = wanted.name;
    this.port = wanted.port;
    this.#errorPath = wanted.errorPath;
    // taskset replaces itself by the command, so the pid and its affinity are the contestant's.
    this.#process = spawn("taskset", ["-c", wanted.cores, ...wanted.command], {
      stdio: ["ignore", output, errors],
      env: { ...process.env, ...wanted.env },
    });
    closeSync(output);
    closeSync(errors);
    this.#ended = new Promise((resolve) => {
      this.#process.once("exit", () => resolve());
      this.#process.once("error", () => resolve());
    });
    this.pid = this.#process.pid ?? 0;
    live.add(this);
  }

  get hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null || this.pid === 0;
  }

  get tree(): readonly number[] {
    return processTree(this.pid);
  }

  /** Resolves with the milliseconds from now to the first 200; rejects if the process ends first. */
  async ready(deadlineMs: number): Promise<number> {
    const waitedMs = await firstAnswer(this.port, deadlineMs, () => this.hasEnded);
    if (waitedMs !== undefined) return waitedMs;
    const what = this.hasEnded ? "ended" : `gave no 200 within ${deadlineMs} ms`;
    throw new Error(`Cannot start ${this.name}: it ${what}: ${this.lastWords()}`);
  }

  lastWords(): string {
    const lines = readFileSync(this.#errorPath, "utf8").trim().split("\n");
    return lines.slice(-3).join(" | ");
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.hasEnded) this.#process.kill(signal);
  }

  /** Asks it to stop and waits for that; `graceMs` later it has no choice. */
  async stop(graceMs: number): Promise<void> {
    this.signal("SIGTERM");
    const patience = new AbortController();
    const late = delay(graceMs, undefined, { signal: patience.signal }).then(
      () => this.signal("SIGKILL"),
      () => undefined,
    );
    if (!this.hasEnded) await this.#ended;
    patience.abort();
    await late;
    live.delete(this);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop(STOP_MS);
  }
}

/** Leaves nothing running behind a benchmark that is interrupted. */
export function stopChildrenOnExit(): void {
  process.once("exit", () => {
    for (const child of live) child.signal("SIGTERM");
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => process.exit(130));
  }
}
