import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { accessLogPath, type Job } from "../contestants/contestant.ts";
import { Child } from "../machine/child.ts";
import { ask } from "../machine/first-answer.ts";
import { freePort } from "../machine/free-port.ts";
import { CONTESTANT_CORE } from "../machine/place.ts";
import { FORWARDED_FIELDS } from "../parts/origin.ts";
import type { Entry } from "./entry.ts";

/** What every scenario needs: somewhere to write, somebody to proxy to, flags for Node. */
export interface Rig {
  readonly folder: string;
  readonly originPort: number;
  readonly nodeFlags: readonly string[];
}

/** Why an entry has no row, or what its row must be read with. */
export interface Remark {
  readonly label: string;
  readonly isOut: boolean; // it takes no further part
  readonly text: string;
}

/** An entry with a process of its own. */
export class Runner implements AsyncDisposable {
  readonly entry: Entry;
  readonly child: Child;
  readonly loadPort: number; // where it is measured; whether it is there is asked without TLS
  readonly #logPath: string;

  constructor(entry: Entry, child: Child, job: Job) {
    const logPath = accessLogPath(job);
    this.entry = entry;
    this.child = child;
    this.loadPort = job.tls?.port ?? job.listenPort;
    this.#logPath = logPath;
  }

  /** A log that nobody reads must not fill the disk while everybody is measured. */
  cutLog(): void {
    if (statSync(this.#logPath, { throwIfNoEntry: false }) === undefined) return;
    truncateSync(this.#logPath);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child[Symbol.asyncDispose]();
  }
}

const READY_MS = 60_000; // 10,000 server blocks take their time
let folders = 0;

/** Spawns the process and returns at once: whoever measures the start does the waiting. */
export async function spawnRunner(
  entry: Entry,
  rig: Rig,
  nodeFlags: readonly string[] = [],
): Promise<Runner> {
  const { contestant, accessLog, sites, isTls = false, gzipLevel } = entry;
  const folder = join(rig.folder, `${contestant.name.replaceAll(/[^\w-]/g, "_")}-${folders++}`);
  mkdirSync(folder, { recursive: true });
  const job: Job = {
    folder,
    listenPort: await freePort(),
    originPort: rig.originPort,
    accessLog,
    sites,
    tls: isTls ? { port: await freePort(), ...certificateIn(rig.folder) } : undefined,
    gzipLevel,
    nodeFlags: [...rig.nodeFlags, ...nodeFlags],
  };
  const launch = contestant.launch(job);
  const logPath = accessLogPath(job);
  const child = new Child({
    name: entry.label,
    command: launch.command,
    cores: String(CONTESTANT_CORE),
    port: job.listenPort,
    outputPath: launch.logToOutput === true ? logPath : join(folder, "output"),
    errorPath: join(folder, "errors"),
    ...(launch.env === undefined ? {} : { env: launch.env }),
  });
  return new Runner(entry, child, job);
}

/** One for all contestants of a run: P-256, signed by itself. */
function certificateIn(folder: string): { readonly cert: string; readonly key: string } {
  const [cert, key] = [join(folder, "bench.pem"), join(folder, "bench.key")];
  if (!existsSync(cert)) {
    execFileSync(
      "openssl",
      [
        ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
        ...["-subj", "/CN=bench.test", "-addext", "subjectAltName=DNS:bench.test"],
        ...["-keyout", key, "-out", cert],
      ],
      { stdio: "ignore" },
    );
  }
  return { cert, key };
}

export async function startRunner(
  entry: Entry,
  rig: Rig,
  nodeFlags: readonly string[] = [],
): Promise<Runner> {
  const runner = await spawnRunner(entry, rig, nodeFlags);
  try {
    await runner.child.ready(READY_MS);
    return runner;
  } catch (failure) {
    await runner[Symbol.asyncDispose]();
    throw failure;
  }
}

/** Starts all that can be started; whoever cannot is remarked on and left out from then on. */
export async function startField(
  entries: readonly Entry[],
  rig: Rig,
  remarks: Remark[],
  nodeFlags: readonly string[] = [],
): Promise<readonly Runner[]> {
  const runners: Runner[] = [];
  for (const entry of whoIsIn(entries, remarks)) {
    try {
      runners.push(await startRunner(entry, rig, nodeFlags));
    } catch (failure) {
      remarks.push({ label: entry.label, isOut: true, text: wordsOf(failure) });
    }
  }
  return runners;
}

/** The entries that are installed and have not failed before. */
export function whoIsIn(entries: readonly Entry[], remarks: Remark[]): readonly Entry[] {
  return entries.filter(({ label, contestant }) => {
    if (remarks.some((remark) => remark.isOut && remark.label === label)) return false;
    const why = contestant.missing();
    if (why !== undefined) remarks.push({ label, isOut: true, text: `missing: ${why}` });
    return why === undefined;
  });
}

/** A proxy that tells the origin less does less: names the fields that did not arrive. */
export async function fieldsNotForwarded(runner: Runner): Promise<readonly string[]> {
  const answer = await ask(runner.child.port, "/echo");
  const start = answer.indexOf("{");
  if (start < 0) return ["everything: /echo was not answered"];
  const body = answer.slice(start, answer.lastIndexOf("}") + 1);
  const arrived = JSON.parse(body) as Readonly<Record<string, string>>; // written by our origin
  return FORWARDED_FIELDS.filter((name) => (arrived[name] ?? "") === "");
}

export function wordsOf(failure: unknown): string {
  return failure instanceof Error ? failure.message : String(failure);
}
