import { createHash, randomInt } from "node:crypto";
import { networkOf } from "../../base/client-network.ts";
import { DueTimes, type Pace } from "../../base/due-times.ts";
import type { Exchange } from "../../core/exchange.ts";
import type { Fault } from "../../core/fault.ts";
import type { BuildTools, Feature } from "../../core/feature.ts";
import type { Filter, Reply } from "../../core/filter.ts";
import { refuse } from "../../core/refusal.ts";
import { LEVEL_MAX } from "../../core/shedder.ts";
import { cookieValue, dropCookie } from "../../protocol/http/cookie.ts";
import { allowedIn, type ChallengeOptions, challengeSchema } from "./challenge-options.ts";
import { challengePage, policyFor } from "./page.ts";
import { Puzzles } from "./puzzle.ts";

const COOKIE = "sluice_pass";
const KNOWN_MAX = 10_000; // passes that were looked at already, in each worker
const CLIENTS_MAX = 65_536; // that `above` counts
const SECRET_WORDS = 8;
const REQUIRED: Fault = { code: "challenge_required", detail: "" };

/** Browsers show by some work that they are meant to be here, before a flood gets any further. */
export const challenge: Feature<ChallengeOptions, Filter> = {
  name: "challenge",
  kind: "filter",
  about: "Asks browsers for some work before they are served, against floods.",
  schema: challengeSchema,

  build(options, tools) {
    return new Challenge(options, tools);
  },
};

class Challenge implements Filter {
  readonly name = "challenge";
  readonly #options: ChallengeOptions;
  readonly #tools: BuildTools;
  readonly #puzzles: Puzzles;
  readonly #isAllowed: (address: string) => boolean;
  readonly #counts: DueTimes | undefined;
  readonly #pace: Pace;
  readonly #known: Map<string, number>; // passes with whom they are for, and when they end

  constructor(options: ChallengeOptions, tools: BuildTools) {
    const { above, secret, allow } = options;
    const { count, perMs } = above ?? { count: 1, perMs: 1 };
    this.#options = options;
    this.#tools = tools;
    this.#puzzles = new Puzzles(secret === undefined ? drawnSecret(tools) : hashed(secret));
    this.#isAllowed = allowedIn(allow);
    this.#counts = above === undefined ? undefined : countsOf(tools);
    this.#pace = { perUnitMs: perMs / count, burstMs: perMs };
    this.#known = new Map();
  }

  admit(exchange: Exchange): Reply | undefined {
    const { request, client } = exchange;
    const pass = cookieValue(request.headers, COOKIE);
    if (pass !== undefined) dropCookie(request.headers, COOKIE); // the upstream has no use for it
    if (this.#isAllowed(client.address) || !this.#isSuspect(exchange)) return undefined;
    if (pass !== undefined && this.#isGood(pass, exchange)) return undefined;
    const refused = refuse(exchange, REQUIRED, this.#options.mode, NEVER_STORED);
    return refused !== undefined && isNavigation(exchange) ? this.#page(exchange) : refused;
  }

  /** Comes more often than it may unasked. */
  #isSuspect({ client }: Exchange): boolean {
    if (this.#counts === undefined) return true;
    const nowMs = this.#tools.world.clock.nowMs();
    return this.#counts.take(networkOf(client.address), 1, nowMs, this.#pace) < 0;
  }

  #isGood(pass: string, exchange: Exchange): boolean {
    const whom = whomOf(exchange);
    const wallMs = this.#tools.world.clock.wallMs();
    const key = `${pass} ${whom.client} ${whom.host}`;
    const knownEnd = this.#known.get(key);
    if (knownEnd !== undefined) return knownEnd > wallMs;
    const { difficulty, ttl } = this.#options;
    const endMs = this.#puzzles.passEnd(pass, whom, {
      wallMs,
      bitsMin: difficulty.min,
      ttlMs: ttl,
    });
    if (endMs === 0) return false;
    if (this.#known.size >= KNOWN_MAX) this.#known.clear(); // they are worked out anew
    this.#known.set(key, endMs);
    return true;
  }

  #page(exchange: Exchange): Reply {
    const { world, shedder } = this.#tools;
    const { difficulty, ttl } = this.#options;
    const load = (shedder?.level ?? 0) / LEVEL_MAX;
    const bits = Math.round(difficulty.min + (difficulty.max - difficulty.min) * load);
    const puzzle = this.#puzzles.make(bits, whomOf(exchange), world.clock.wallMs());
    const nonce = puzzle.split(".")[2]!;
    const body = challengePage({
      ...{ puzzle, bits, nonce, cookie: COOKIE, maxAgeS: Math.floor(ttl / 1000) },
      isSecure: exchange.request.scheme === "https",
    });
    return { status: 403, headers: { ...PAGE, "content-security-policy": policyFor(nonce) }, body };
  }

  explain(): readonly string[] {
    const { above, difficulty, ttl } = this.#options;
    const whom =
      above === undefined
        ? "everybody"
        : `who comes more than ${above.count} times in ${above.perMs} ms`;
    return [`${whom} solves ${difficulty.min} bits, good for ${ttl / 1000} s`];
  }
}

const NEVER_STORED = { "cache-control": "no-store" };
const PAGE = {
  ...NEVER_STORED,
  "content-type": "text/html; charset=utf-8",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

function whomOf({ client, request }: Exchange): { client: string; host: string } {
  return { client: networkOf(client.address), host: request.host };
}

/** Somebody waits for a page, and not a script for data. */
function isNavigation({ request: { method, headers } }: Exchange): boolean {
  if (method !== "GET" && method !== "HEAD") return false;
  const mode = headers.get("sec-fetch-mode");
  if (mode !== undefined && mode !== "navigate") return false;
  return /\btext\/html\b/i.test(headers.get("accept")?.slice(0, 512) ?? "");
}

/** The same in all workers, and another one in each process. */
function drawnSecret({ machine, keepForAll }: BuildTools): Buffer {
  return keepForAll("challenge secret", () => {
    const key = "challenge secret";
    const words = new Int32Array(machine.block(key, SECRET_WORDS * Int32Array.BYTES_PER_ELEMENT));
    for (let at = 0; at < SECRET_WORDS; at++)
      Atomics.compareExchange(words, at, 0, randomInt(1, 2 ** 32) | 0);
    return Buffer.from(new Uint8Array(words.buffer)); // of its own: hashes take no shared memory
  });
}

function hashed(secret: string): Buffer {
  return createHash("sha256").update(`challenge ${secret}`).digest();
}

function countsOf({ machine, keep, place }: BuildTools): DueTimes {
  return keep("challenge", () => {
    return new DueTimes(
      machine.block(`route ${place} challenge`, DueTimes.byteLength(CLIENTS_MAX)),
    );
  });
}
