/** A template asks only for the parts of the path that its route's match takes out of it. */
import { captureProblems } from "../../features/match/match.ts";
import type { MatchConfig } from "../../route/match-config.ts";
import type { Config, RouteConfig } from "../config.ts";
import { cannotUse, type Finding } from "../problems.ts";

export function checkCaptures({ sites }: Config): Finding[] {
  return sites.flatMap(({ routes }) => routes.flatMap(findingsOf));
}

function findingsOf(route: RouteConfig): Finding[] {
  const match = route.match as MatchConfig | undefined; // as the match schema has made it
  return [route.handler, ...route.filters].flatMap(({ key, options }) => {
    const at = [...route.at, key];
    return captureProblems(match, options).map((why) => cannotUse(at, why));
  });
}
