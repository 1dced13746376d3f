import type { Exchange } from "./exchange.ts";
import type { Fault } from "./fault.ts";
import type { BuildTools } from "./feature.ts";
import type { Filter, Reply } from "./filter.ts";
import { MemoryMissing } from "./machine.ts";
import { refusal } from "./refusal.ts";

/**
 * A filter that protects a route, or one that serves nobody: a route whose protection cannot be built
 * must not be served without it, and the rest of the config must not suffer (SECURITY A4).
 */
export function securityStage(
  name: string,
  { world, machine, place }: Pick<BuildTools, "world" | "machine" | "place">,
  make: () => Filter,
): Filter {
  try {
    return make();
  } catch (error) {
    if (error instanceof MemoryMissing) throw error; // a worker that has another config: no reload
    const why = error instanceof Error ? error.message : String(error);
    // Every thread builds it; once is loud enough.
    if (machine.worker === 0) {
      world.log.warn(`a route is not served: its ${name} cannot be built`, { place, error: why });
    }
    return new Unbuilt(name, why);
  }
}

class Unbuilt implements Filter {
  readonly name: string;
  readonly #fault: Fault;
  readonly #why: string;

  constructor(name: string, why: string) {
    this.name = name;
    this.#fault = { code: "security_unbuilt", detail: `${name}: ${why}` };
    this.#why = why;
  }

  admit(exchange: Exchange): Reply {
    return refusal(exchange, this.#fault);
  }

  explain(): readonly string[] {
    return [`cannot be built, so the route is not served: ${this.#why}`];
  }
}
