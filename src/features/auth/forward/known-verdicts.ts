import { hash } from "node:crypto";
import type { Exchange } from "../../../core/exchange.ts";
import { Template } from "../../../core/template.ts";
import type { Proven } from "../auth-method.ts";
import type { VerdictCacheOptions } from "./forward-options.ts";

interface Entry {
  readonly proven: Proven;
  readonly untilMs: number;
}

/**
 * Who passed lately, by what the config says that it depends on. Refusals are not kept: a client that
 * logs in must be let in at once, and a flood of them would push out who passes.
 */
export class KnownVerdicts {
  readonly #key: readonly Template[];
  readonly #options: VerdictCacheOptions;
  readonly #entries: Map<string, Entry>; // the oldest first

  constructor(options: VerdictCacheOptions) {
    this.#options = options;
    this.#key = options.key.map((each) => new Template(each, "text"));
    this.#entries = new Map();
  }

  get size(): number {
    return this.#entries.size;
  }

  /**
   * Each part stands for itself, so that no two requests run together (P4). undefined: nothing that
   * the key asks for is there, so all who have nothing would share one answer.
   */
  keyOf(exchange: Exchange): string | undefined {
    const parts = this.#key.map((each) => each.expand(exchange));
    const isEmpty = parts.every((part, index) => part === "" || this.#key[index]!.isConstant);
    return isEmpty ? undefined : hash("sha256", JSON.stringify(parts), "latin1");
  }

  find(key: string, nowMs: number): Proven | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (nowMs < entry.untilMs) return entry.proven;
    this.#entries.delete(key);
    return undefined;
  }

  add(key: string, proven: Proven, nowMs: number): void {
    this.#entries.delete(key);
    if (this.#entries.size >= this.#options.countMax) {
      this.#entries.delete(this.#entries.keys().next().value!);
    }
    this.#entries.set(key, { proven, untilMs: nowMs + this.#options.forMs });
  }
}
