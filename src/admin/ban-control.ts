import { parseIp } from "../base/ip-address.ts";
import type { Log } from "../base/world.ts";
import type { Ban, Bans } from "../core/bans.ts";
import { durationMs } from "../core/fields.ts";
import type { Refused } from "./admin-guard.ts";

export type BanOutcome =
  | { readonly kind: "done"; readonly value: unknown }
  | ({ readonly kind: "refused" } & Refused);

const FORM =
  'The body must be JSON such as {"client": "203.0.113.7", "for": "1h"}; the time is at most 365d.';
const DURATION = /^[0-9]{1,6}(?:s|m|h|d)$/;
const FOR_MS_MAX = 365 * 86_400_000;

/** Bans as operators deal with them; what they do holds in all workers at once. */
export class BanControl {
  readonly #bans: () => Bans | undefined;
  readonly #log: Log;

  constructor(bans: () => Bans | undefined, log: Log) {
    this.#bans = bans;
    this.#log = log;
  }

  list(): BanOutcome {
    const bans = this.#bans();
    return bans === undefined ? OFF : done({ bans: bans.list.map(shown) });
  }

  add(body: string, by: string): BanOutcome {
    const bans = this.#bans();
    if (bans === undefined) return OFF;
    const wanted = readBan(body);
    if (wanted === undefined) return malformed(FORM);
    const { client, forMs } = wanted;
    const problem = bans.ban(client, forMs);
    if (problem !== undefined) {
      return { kind: "refused", status: 409, reason: "ban_exempt", about: `${client} ${problem}.` };
    }
    this.#log.info("client banned by an operator", { client, forSeconds: forMs / 1000, by });
    return done({ client, forSeconds: forMs / 1000 });
  }

  lift(client: string, by: string): BanOutcome {
    const bans = this.#bans();
    if (bans === undefined) return OFF;
    if (parseIp(client.replace(/\/[0-9]{1,3}$/, "")) === undefined) {
      return malformed("The path must end in an address or a network as the list has it.");
    }
    if (!bans.lift(client)) {
      const about = `${client} is not banned; what was counted of it is forgotten.`;
      return { kind: "refused", status: 404, reason: "not_banned", about };
    }
    this.#log.info("ban lifted", { client, by });
    return done({ lifted: client });
  }
}

const OFF: BanOutcome = {
  kind: "refused",
  status: 409,
  reason: "bans_off",
  about: "The config has no bans.",
};

function done(value: unknown): BanOutcome {
  return { kind: "done", value };
}

function malformed(about: string): BanOutcome {
  return { kind: "refused", status: 422, reason: "ban_malformed", about };
}

function shown({ client, reason, level, remainingMs }: Ban) {
  return { client, reason, level, remainingSeconds: Math.ceil(remainingMs / 1000) };
}

function readBan(body: string): { client: string; forMs: number } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { client, for: time, ...others } = value as Record<string, unknown>;
  if (typeof client !== "string" || typeof time !== "string") return undefined;
  if (Object.keys(others).length > 0 || parseIp(client) === undefined) return undefined;
  const forMs = DURATION.test(time) ? durationMs(time) : 0;
  return forMs > 0 && forMs <= FOR_MS_MAX ? { client, forMs } : undefined;
}
