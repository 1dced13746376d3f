import { type Stats, statSync } from "node:fs";
import { stat } from "node:fs/promises";

/** What tells one state of a file from another; "" if it cannot be seen. */
export type FileLook = string;

export async function lookAt(file: string): Promise<FileLook> {
  try {
    return lookOf(await stat(file));
  } catch {
    return "";
  }
}

/** For who is about to read it. */
export function lookNow(file: string): FileLook {
  try {
    return lookOf(statSync(file));
  } catch {
    return "";
  }
}

function lookOf({ dev, ino, size, mtimeMs, ctimeMs }: Stats): FileLook {
  return [dev, ino, size, mtimeMs, ctimeMs].join(" ");
}
