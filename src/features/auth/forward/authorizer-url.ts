import { canonicalPath } from "../../../protocol/http/path.ts";
import { isQuery, TARGET_POLICY } from "../../../protocol/http/target.ts";

/** An authorizer that is given by its URL, and not as an upstream. */
export interface AuthorizerUrl {
  readonly origin: string; // the name of the upstream that it is: "http://localhost:9091"
  readonly path: string; // "" if there is none
  readonly query: string;
}

export function isUrl(text: string): boolean {
  return text.includes("://");
}

/** undefined: it is not one that can be asked. Whether the host is sound is for the config to say. */
export function splitUrl(text: string): AuthorizerUrl | undefined {
  const [, origin, path, query] =
    /^(https?:\/\/[^/?#@]+)(\/[^?#]*)?(?:\?([^#]*))?$/.exec(text) ?? [];
  if (origin === undefined) return undefined;
  const isPath = path === undefined || canonicalPath(path, 0, path.length, TARGET_POLICY) === path;
  if (!isPath || path?.startsWith("//") === true || !isQuery(query ?? "")) return undefined;
  return { origin, path: path ?? "", query: query ?? "" };
}
