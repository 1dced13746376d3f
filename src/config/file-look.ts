import { stat } from "node:fs/promises";

/** What tells one state of a file from another; "" if it cannot be seen. */
export type FileLook = string;

export async function lookAt(file: string): Promise<FileLook> {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = await stat(file);
    return [dev, ino, size, mtimeMs, ctimeMs].join(" ");
  } catch {
    return "";
  }
}
