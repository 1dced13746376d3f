import module from "node:module";
import { dirname } from "node:path";

/** As it was given: the cache itself is in a folder below it, one for each version of Node. */
export function compiledCodeFolder(): string | undefined {
  const folder = module.getCompileCacheDir?.();
  return folder === undefined ? undefined : dirname(folder);
}
