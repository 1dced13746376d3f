import { posix } from "node:path";
import { fileURLToPath } from "node:url";

/** What `--cpu-prof` writes, as far as it is read here. Times are monotonic microseconds. */
export interface CpuProfile {
  readonly startTime: number;
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[]; // ids of nodes
  readonly timeDeltas: readonly number[]; // before each sample
}

export interface ProfileNode {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
    readonly lineNumber: number; // from 0
  };
}

export interface Window {
  readonly fromUs: number;
  readonly toUs: number;
}

export interface Share {
  readonly name: string;
  readonly selfUs: number;
}

export interface SelfTimes {
  readonly busyUs: number; // everything but idle
  readonly functions: readonly Share[]; // dearest first
  readonly modules: readonly Share[];
}

/**
 * Self time by function and by module, of the samples taken within the window: starting and
 * warming up are not what a request costs. A function is one place in the source, however many
 * callers it has.
 */
export function selfTimes(
  profiles: readonly CpuProfile[],
  window: Window,
  root: string,
): SelfTimes {
  const functions = new Map<string, number>();
  const modules = new Map<string, number>();
  let busyUs = 0;
  for (const profile of profiles) {
    const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
    let atUs = profile.startTime;
    for (let index = 0; index < profile.samples.length; index++) {
      const spentUs = profile.timeDeltas[index] ?? 0;
      atUs += spentUs;
      const frame = frames.get(profile.samples[index]!);
      if (frame === undefined || frame.functionName === "(idle)") continue;
      if (atUs < window.fromUs || atUs > window.toUs) continue;
      const module = moduleOf(frame, root);
      busyUs += spentUs;
      add(modules, module, spentUs);
      add(functions, `${functionOf(frame)} ${placeOf(frame, module)}`.trim(), spentUs);
    }
  }
  return { busyUs, functions: shares(functions), modules: shares(modules) };
}

function functionOf({ functionName, url }: ProfileNode["callFrame"]): string {
  if (functionName !== "") return functionName;
  return url === "" ? "(native)" : "(anonymous)";
}

function placeOf({ url, lineNumber }: ProfileNode["callFrame"], module: string): string {
  return url === "" ? "" : `${module}:${lineNumber + 1}`;
}

/** A file of ours relative to the checkout, a part of Node by its name, or what has no source. */
function moduleOf({ url, functionName }: ProfileNode["callFrame"], root: string): string {
  if (url === "") return functionName.startsWith("(") ? functionName : "(native)";
  if (!url.startsWith("file:")) return url;
  return posix.relative(root, fileURLToPath(url));
}

function add(totals: Map<string, number>, name: string, us: number): void {
  totals.set(name, (totals.get(name) ?? 0) + us);
}

function shares(totals: ReadonlyMap<string, number>): readonly Share[] {
  return [...totals]
    .map(([name, selfUs]) => ({ name, selfUs }))
    .toSorted((a, b) => b.selfUs - a.selfUs);
}
