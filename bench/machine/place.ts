import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, cpus, release, tmpdir } from "node:os";
import { join } from "node:path";

/** Contestants share one core, one working at a time; everything that loads them has the other. */
export const CONTESTANT_CORE = 0;
export const LOAD_CORE = 1;

/** Debian keeps servers where only root's PATH looks. */
const SEARCH_PATH = [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/usr/local/sbin"];

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly system: string;
  readonly node: string;
}

export function describeMachine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    system: `${process.platform} ${release()}`,
    node: process.version,
  };
}

export function findProgram(name: string): string | undefined {
  return SEARCH_PATH.map((folder) => join(folder, name)).find(isProgram);
}

/** Says what the machine lacks, or nothing if the benchmark can run here. */
export function whyNotHere(): string | undefined {
  if (process.platform !== "linux") return "it reads /proc and pins processes: Linux only";
  if (availableParallelism() < 2) return "it needs two cores: one for the proxy, one for the load";
  const missing = ["taskset", "wrk", "nginx"].filter((name) => findProgram(name) === undefined);
  if (missing.length > 0) return `not installed: ${missing.join(", ")}`;
  return undefined;
}

/** This process and, by inheritance, the origin and the load generator leave the proxy's core. */
export function moveToLoadCore(): void {
  const done = spawnSync("taskset", ["-apc", String(LOAD_CORE), String(process.pid)]);
  if (done.status !== 0) throw new Error(`Cannot pin the benchmark: ${String(done.stderr)}`);
}

/** nginx started by root gives its workers to a user who may not enter our folders. */
export function nginxUserLine(): string {
  return process.getuid?.() === 0 ? "user root;" : "";
}

const REMOVE_TRIES = 10;
const REMOVE_PAUSE_MS = 50;

/** A folder for generated configs and logs, which can be large: gone even after an interruption. */
export class WorkFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "sluice-bench-"));
  readonly #remove = () => removeFolder(this.path);

  constructor() {
    process.once("exit", this.#remove);
  }

  [Symbol.dispose](): void {
    process.off("exit", this.#remove);
    this.#remove();
  }
}

/**
 * After an interruption the contestants have been told to stop and may still be tidying up. When a
 * file vanishes under it, rmSync with `force` takes the whole folder for gone: so look again.
 */
function removeFolder(path: string): void {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let attempt = 0; attempt < REMOVE_TRIES && existsSync(path); attempt++) {
    if (attempt > 0) Atomics.wait(pause, 0, 0, REMOVE_PAUSE_MS);
    rmSync(path, { recursive: true, force: true });
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
