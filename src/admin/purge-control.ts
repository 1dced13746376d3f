import type { Log } from "../base/world.ts";
import type { PurgeRequest } from "../core/runtime.ts";
import { purgeableUrl } from "../features/cache/cache-key.ts";
import type { Server } from "../server/server.ts";
import type { Refused } from "./admin-guard.ts";

export type Purged =
  | { readonly kind: "done"; readonly count: number }
  | ({ readonly kind: "refused" } & Refused);

const VALUE_CHARS_MAX = 8192;
const FORM =
  'The body must be JSON such as {"url": "http://a.example/x"}, {"prefix": "http://a.example/"}, ' +
  '{"tag": "news"} or {"all": true}, with "soft": true for what may still serve when stale.';

/** Takes responses out of the caches of all workers, in force when it has answered. */
export class PurgeControl {
  readonly #server: () => Server;
  readonly #log: Log;

  constructor(server: () => Server, log: Log) {
    this.#server = server;
    this.#log = log;
  }

  async purge(body: string, by: string): Promise<Purged> {
    const wanted = readPurge(body);
    if (typeof wanted === "string") {
      return { kind: "refused", status: 422, reason: "purge_malformed", about: wanted };
    }
    const count = await this.#server().purge(wanted);
    this.#log.info("cache purged", { ...wanted, count, by });
    return { kind: "done", count };
  }
}

/** What is wanted, or why it cannot be. */
function readPurge(body: string): PurgeRequest | string {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return FORM;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return FORM;
  const { url, prefix, tag, all, soft, ...others } = value as Record<string, unknown>;
  const isSoft = soft ?? false;
  const given = [url, prefix, tag, all].filter((each) => each !== undefined);
  if (given.length !== 1 || Object.keys(others).length > 0 || typeof isSoft !== "boolean") {
    return FORM;
  }
  if (all !== undefined) return all === true ? { kind: "all", isSoft } : FORM;
  const text = url ?? prefix ?? tag;
  if (typeof text !== "string" || text === "" || text.length > VALUE_CHARS_MAX) return FORM;
  if (tag !== undefined) return /[\s,]/.test(text) ? FORM : { kind: "tag", value: text, isSoft };
  const canonical = purgeableUrl(text);
  const kind = url === undefined ? "prefix" : "url";
  if (canonical === undefined) return `The ${kind} must begin with http:// or https:// and a host.`;
  return { kind, value: canonical, isSoft };
}
