import { readdirSync, readFileSync } from "node:fs";

const NS_PER_TICK = 10_000_000; // USER_HZ is 100 on every Linux that Node runs on
const KIB = 1024;

export interface Memory {
  readonly residentBytes: number;
  readonly peakBytes: number;
}

/** A process and all its descendants, so that a master with workers counts as one contestant. */
export function processTree(rootPid: number): readonly number[] {
  const childrenOf = new Map<number, number[]>();
  for (const entry of readdirSync("/proc")) {
    if (!/^[0-9]+$/.test(entry)) continue;
    const fields = statFields(Number(entry));
    if (fields === undefined) continue;
    const parent = Number(fields[1]);
    const siblings = childrenOf.get(parent);
    if (siblings === undefined) childrenOf.set(parent, [Number(entry)]);
    else siblings.push(Number(entry));
  }

  const found = [rootPid];
  for (let index = 0; index < found.length; index++) {
    found.push(...(childrenOf.get(found[index]!) ?? []));
  }
  return found;
}

/** CPU time used so far. A thread that ends takes its time with it: no contestant's do that. */
export function cpuNs(pids: readonly number[]): number {
  let total = 0;
  for (const pid of pids) total += cpuNsOfThreads(pid) ?? cpuNsOfTicks(pid);
  return total;
}

export function memory(pids: readonly number[]): Memory {
  let residentBytes = 0;
  let peakBytes = 0;
  for (const pid of pids) {
    const status = readProc(`${pid}/status`) ?? "";
    residentBytes += kibField(status, "VmRSS") * KIB;
    peakBytes += kibField(status, "VmHWM") * KIB;
  }
  return { residentBytes, peakBytes };
}

/** The scheduler's own nanoseconds; absent or zero where the kernel keeps no schedstats. */
function cpuNsOfThreads(pid: number): number | undefined {
  let total = 0;
  for (const thread of threadsOf(pid)) {
    const text = readProc(`${pid}/task/${thread}/schedstat`);
    if (text !== undefined) total += Number(text.split(" ", 1)[0]);
  }
  return total > 0 ? total : undefined;
}

function cpuNsOfTicks(pid: number): number {
  const fields = statFields(pid);
  if (fields === undefined) return 0;
  return (Number(fields[11]) + Number(fields[12])) * NS_PER_TICK;
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return []; // gone since the tree was read
  }
}

/** The fields after the name, which may itself hold spaces and brackets: [0] is the state. */
function statFields(pid: number): readonly string[] | undefined {
  const text = readProc(`${pid}/stat`);
  return text?.slice(text.lastIndexOf(")") + 2).split(" ");
}

function kibField(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+([0-9]+) kB`, "m").exec(status)?.[1] ?? 0);
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, "latin1");
  } catch {
    return undefined;
  }
}
