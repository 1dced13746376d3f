import { Shedder } from "../core/shedder.ts";
import type { StateDraft } from "../core/state.ts";
import type { Worker } from "../core/worker.ts";
import type { Config } from "./config.ts";

/** One for all routes of a worker; it goes on where it was after a reload that says the same. */
export function shedderOf(
  { shed }: Config,
  draft: StateDraft,
  worker: Worker,
): Shedder | undefined {
  if (shed === undefined) return undefined;
  const { world, wheel } = worker;
  const requests = () => worker.exchangesUnderWay;
  return draft.keep(
    `shed ${Object.values(shed)}`,
    () => new Shedder(shed, { world, wheel, requests }),
  );
}
