/** A template asks only for the parts of the path that its route's match takes out of it. */
import type { Config } from "../config.ts";
import { cannotUse, type Finding } from "../problems.ts";
import type { Vocabulary } from "../shape/routes.ts";

export function checkCaptures({ sites }: Config, vocabulary: Vocabulary): Finding[] {
  const routes = sites.flatMap((site) => site.routes);
  return routes.flatMap((route) =>
    [route.handler, ...route.filters].flatMap(({ key, options }) =>
      vocabulary
        .captureProblems(route.match, options)
        .map((why) => cannotUse([...route.at, key], why)),
    ),
  );
}
