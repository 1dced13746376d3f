/** What the `errors` of a place become: its pages, and whom to ask for those that others make. */
import type { ErrorReplies } from "../core/runtime.ts";
import type { ErrorOptions } from "../features/errors/error-options.ts";
import { errorReplies } from "../features/errors/errors.ts";
import type { ForwardTarget } from "../features/forward/target.ts";
import type { CompileTools } from "./compile.ts";
import { questionRoute } from "./compile-forward.ts";
import type { settledLevels } from "./config.ts";

type Levels = ReturnType<typeof settledLevels>;

export function compileErrors(
  options: unknown,
  levels: Levels,
  { draft, worker, isDry }: CompileTools,
  targetOf: (upstream: string) => ForwardTarget,
): ErrorReplies {
  // As its schema made it.
  return errorReplies(options as ErrorOptions | undefined, {
    world: worker.world,
    wheel: worker.wheel,
    bug: (error, exchange) => worker.bug(error, exchange),
    isDry: isDry === true,
    routeTo: (name) => questionRoute({ name: "errors" }, targetOf(name), levels, worker),
    keepForAll: (key, make) => draft.keep(key, make),
  });
}
