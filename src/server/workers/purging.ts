import type { PurgeRequest } from "../../core/runtime.ts";
import type { Thread } from "./thread.ts";

/** In the caches of all these workers; how many responses that was, at once. */
export async function purgeIn(threads: readonly Thread[], wanted: PurgeRequest): Promise<number> {
  const asked = threads.map((thread) => thread.ask({ kind: "purge", wanted }));
  // A worker that is lost has lost its cache as well.
  const answers = await Promise.allSettled(asked);
  return answers.reduce((sum, each) => sum + (each.status === "fulfilled" ? each.value : 0), 0);
}

/** What a request through one worker has made worthless is so in the others. */
export async function invalidateIn(threads: readonly Thread[], urls: readonly string[]) {
  const wanted = urls.map((value) => ({ kind: "url", value, isSoft: false }) as const);
  await Promise.all(wanted.map((each) => purgeIn(threads, each)));
}
