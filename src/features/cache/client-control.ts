import {
  type CacheControl,
  NO_DIRECTIVES,
  parseCacheControl,
} from "../../protocol/caching/cache-control.ts";
import { idOf } from "../../protocol/http/header-id.ts";
import type { HeaderList } from "../../protocol/http/header-list.ts";

const CACHE_CONTROL = idOf("cache-control");
const PRAGMA = idOf("pragma");

/** Pragma counts where there is no Cache-Control (RFC 9111 §5.4). */
export function controlOf(headers: HeaderList): CacheControl {
  if (headers.first(CACHE_CONTROL) !== undefined) {
    return parseCacheControl(headers.all("cache-control"));
  }
  const pragma = headers.first(PRAGMA);
  return pragma === undefined ? NO_DIRECTIVES : parseCacheControl([pragma]);
}
