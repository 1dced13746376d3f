import { createHash } from "node:crypto";
import type { World } from "../../base/world.ts";
import type {
  SharedLimits,
  SharedTake,
  SharedVerdict,
  StateMeter,
} from "../../core/shared-limits.ts";
import { RedisFailure, type Reply } from "../../protocol/redis/reply.ts";
import { RedisLink } from "./redis-link.ts";
import type { RedisSettings } from "./redis-settings.ts";

/**
 * All limits of a request in one step, by the clock of the server, in microseconds. A key holds when it is
 * due again, as in base/due-times.ts, and is gone by then. Answers with which limit refused (from 1; 0 for
 * none) and what is left of each. A clock that was set back must not lock anybody out for longer than
 * a burst lasts.
 */
const SCRIPT = `local time = redis.call('TIME')
local now = (time[1] - 1700000000) * 1000000 + time[2]
local due, answer, refused = {}, {0}, 0
for index = 1, #KEYS do
  local cost, burst = tonumber(ARGV[3 * index - 2]), tonumber(ARGV[3 * index - 1])
  local at = tonumber(redis.call('GET', KEYS[index]) or '0') or 0
  if at < now then at = now elseif at > now + burst then at = now + burst end
  local left = now + burst - at - cost
  answer[index + 1] = math.floor(left)
  if left >= -1 then due[index] = at + cost
  elseif ARGV[3 * index] == '0' and refused == 0 then refused = index end
end
answer[1] = refused
if refused == 0 then
  for index, at in pairs(due) do
    redis.call('SET', KEYS[index], string.format('%.3f', at), 'PX', math.ceil((at - now) / 1000) + 1)
  end
end
return answer`;

const SHA = createHash("sha1").update(SCRIPT).digest("hex"); // Redis's name for it, no secret
const KEY_CHARS_MAX = 128;
const US_PER_MS = 1000;

/** Limits that machines count together, in Redis. */
export class RedisLimits implements SharedLimits, Disposable {
  readonly #link: RedisLink;
  readonly #prefix: string;

  constructor(
    world: Pick<World, "clock" | "random" | "network" | "log">,
    settings: RedisSettings,
    meter: StateMeter,
  ) {
    this.#link = new RedisLink(world, settings, meter, [["SCRIPT", "LOAD", SCRIPT]]);
    this.#prefix = settings.prefix;
  }

  begin(): void {
    this.#link.begin();
  }

  take(takes: readonly SharedTake[]): Promise<SharedVerdict | undefined> | undefined {
    const words = [`${takes.length}`];
    for (const { key } of takes) words.push(this.#keyOf(key));
    for (const { costMs, burstMs, isWarning } of takes) {
      words.push(usText(costMs), usText(burstMs), isWarning ? "1" : "0");
    }
    return this.#link
      .ask(["EVALSHA", SHA, ...words])
      ?.then((reply) => this.#verdict(reply, words, takes.length));
  }

  [Symbol.dispose](): void {
    this.#link[Symbol.dispose]();
  }

  async #verdict(
    reply: Reply,
    words: readonly string[],
    count: number,
  ): Promise<SharedVerdict | undefined> {
    let answer = reply;
    // Somebody has flushed its scripts while we were connected.
    if (answer instanceof RedisFailure && answer.code === "NOSCRIPT") {
      answer = await this.#link.ask(["EVAL", SCRIPT, ...words]);
    }
    if (answer instanceof RedisFailure) {
      this.#link.failed(answer);
      return undefined;
    }
    const verdict = verdictOf(answer, count);
    if (verdict !== undefined) this.#link.worked();
    else if (answer !== undefined) this.#link.failed(new RedisFailure("UNEXPECTED reply"));
    return verdict;
  }

  /** What clients choose is of bounded length in there. */
  #keyOf(key: string): string {
    const short =
      key.length <= KEY_CHARS_MAX ? key : createHash("sha256").update(key).digest("base64url");
    return this.#prefix + short;
  }
}

function usText(ms: number): string {
  return (ms * US_PER_MS).toFixed(3);
}

function verdictOf(reply: Reply, count: number): SharedVerdict | undefined {
  if (!Array.isArray(reply) || reply.length !== count + 1) return undefined;
  if (!reply.every((each) => typeof each === "number")) return undefined;
  const [refused = 0, ...leftUs] = reply as readonly number[];
  if (refused < 0 || refused > count) return undefined;
  return { refusedBy: refused - 1, leftMs: leftUs.map((us) => us / US_PER_MS) };
}
