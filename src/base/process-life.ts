import { readFileSync } from "node:fs";

/** A text that no other process has which has that number, now or later; undefined: there is none. */
export function lifeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name, in parentheses, may hold anything; what the 22nd field says is when it was started.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return hasProcFolder() ? undefined : lifeBySignal(pid);
  }
}

function hasProcFolder(): boolean {
  try {
    return readFileSync("/proc/self/stat").length > 0;
  } catch {
    return false;
  }
}

/** Where a system does not tell when, it tells whether. */
function lifeBySignal(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
    return "alive";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM" ? "alive" : undefined;
  }
}
