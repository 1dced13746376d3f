import type { ResponseHead } from "../../core/exchange.ts";
import { answersQuestion, questionOf } from "../../protocol/caching/conditional.ts";
import { freshenedFields } from "../../protocol/caching/stored-fields.ts";
import type { StoredResponse } from "../../stores/cache-store.ts";
import type { CacheRules } from "./cache-rules.ts";
import type { Caches } from "./caches.ts";

/**
 * RFC 9111 §4.3.5: the answer to a HEAD freshens what is stored for GET if both speak of the same
 * representation; if they do not, what is stored is of the past.
 */
export function freshenByHead(
  { store, world }: Caches,
  rules: CacheRules,
  stored: StoredResponse,
  response: ResponseHead,
): void {
  const headers = stored.headers();
  const question = questionOf(headers);
  const length = response.headers.get("content-length");
  const isSameLength = length === undefined || Number(length) === stored.bodyBytes;
  if (response.status !== stored.status) return;
  if (question === undefined || !isSameLength || !answersQuestion(question, response.headers)) {
    if (question !== undefined || !isSameLength) store.remove(stored);
    return;
  }
  const { clock } = world;
  const filling = store.begin();
  const merged = freshenedFields(headers, response.headers);
  const wallMs = clock.wallMs();
  const freshness = rules.freshness({
    response: { status: stored.status, headers: merged },
    requestedWallMs: wallMs,
    receivedWallMs: wallMs,
    nowMs: clock.nowMs(),
  });
  store.refresh(stored, merged.text, freshness, filling);
  filling.ended();
}
