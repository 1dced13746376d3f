/** `sluice explain`: what would happen to a request, and why. Opens nothing. */
import { check } from "../config/check.ts";
import type { Config } from "../config/config.ts";
import { load } from "../config/load.ts";
import { vocabulary } from "../features/index.ts";
import { dryRun } from "../server/dry-run.ts";
import { tellChecked } from "./check.ts";
import type { AnswerIo } from "./command.ts";
import { type Explanation, explanationOf, unheard } from "./explain-facts.ts";
import { type Asked, chooseListener, dryRequestOf, readAsked } from "./explain-request.ts";
import { explanationText } from "./explain-text.ts";
import { firstSentence, wrongUsage } from "./options.ts";

/** 0: the answer is known, whatever it is; 1: the config has problems; 2: wrong usage. */
export async function explain(args: readonly string[], io: AnswerIo): Promise<number> {
  const asked = readUsage(args, io);
  if (asked === undefined) return 2;
  const { config: file } = asked;
  const loaded = await load({ folder: io.cwd, ...(file === undefined ? {} : { file }) });
  const checked = check(loaded, vocabulary, { reads: false });
  if (checked.config === undefined) {
    tellChecked(loaded, checked, asked.isJson, io);
    return 1;
  }
  const told = await explanation(checked.config, asked);
  io.stdout.write(asked.isJson ? `${JSON.stringify(told, undefined, 2)}\n` : explanationText(told));
  return 0;
}

function readUsage(args: readonly string[], io: AnswerIo): Asked | undefined {
  try {
    return readAsked(args);
  } catch (error) {
    wrongUsage(
      "explain",
      error instanceof Error ? firstSentence(error.message) : String(error),
      io,
    );
    return undefined;
  }
}

export async function explanation(config: Config, asked: Asked): Promise<Explanation> {
  const chosen = chooseListener(config.listeners, asked);
  const { listener, why } = chosen;
  if (listener === undefined) return unheard(asked, why);
  const run = await dryRun(config, dryRequestOf(asked, listener, chosen.port));
  return explanationOf(asked, { config, listener, why }, run);
}
