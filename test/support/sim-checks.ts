import assert from "node:assert/strict";
import { LoneMachine } from "../../src/core/machine.ts";
import type { Endpoint, Upstream } from "../../src/core/upstream.ts";
import {
  CHECK,
  type CheckOptions,
  HTTP_ASK,
  type HttpAsk,
  type TcpAsk,
} from "../../src/upstream/health/check-options.ts";
import { HealthChecks } from "../../src/upstream/health/health-checks.ts";
import { createUpstream } from "../../src/upstream/upstream.ts";
import { type SimAnswer, SimOrigin } from "./sim-origin.ts";
import { SimWorld } from "./sim-world.ts";

type More = Partial<Omit<CheckOptions, "ask">> & { readonly ask?: Partial<HttpAsk> | TcpAsk };

/** On a simulated world: origins, an upstream of them, and the checks of a machine. */
export class SimChecks {
  readonly world = new SimWorld();
  readonly checks = new HealthChecks(this.world);
  readonly origins: SimOrigin[] = [];
  upstream: Upstream;
  #endpoints: readonly Endpoint[] = [];

  constructor(answers: readonly SimAnswer[]) {
    for (const answer of answers) {
      const address = { host: `10.0.1.${this.origins.length + 1}`, port: 80 };
      this.origins.push(new SimOrigin(this.world.network, address, answer));
    }
    const kept = new Map<string, unknown>();
    const keep = <T>(key: string, make: () => T): T => {
      if (!kept.has(key)) kept.set(key, make());
      return kept.get(key) as T; // a key is of one type
    };
    const made = createUpstream(
      { name: "app", endpoints: this.origins.map(({ address }) => ({ address })) },
      { keep, world: this.world, machine: new LoneMachine() },
    );
    this.#endpoints = made.endpoints;
    this.upstream = made;
  }

  static async open(...answers: SimAnswer[]): Promise<SimChecks> {
    const checked = new SimChecks(answers);
    for (const origin of checked.origins) await origin.open();
    return checked;
  }

  take(more: More = {}): void {
    const { ask, ...rest } = more;
    const options: CheckOptions = {
      ...CHECK,
      port: undefined,
      jitterPercent: 0,
      ...rest,
      ask:
        ask?.kind === "tcp"
          ? (ask as TcpAsk)
          : ({ ...HTTP_ASK, path: "/healthz", ...ask } as HttpAsk),
    };
    this.checks.take([{ upstream: this.upstream, options }]);
  }

  async advance(ms: number): Promise<void> {
    await this.world.clock.advance(ms);
  }

  get health(): string[] {
    return this.#endpoints.map(({ state }) => state.health);
  }

  get endpoint(): Endpoint {
    return this.#endpoints[0]!;
  }

  get origin(): SimOrigin {
    return this.origins[0]!;
  }

  get said(): string[] {
    return this.world.lines.map(({ message, fields }) =>
      "why" in fields ? `${message}: ${fields["why"]}` : message,
    );
  }

  /** Nothing is left behind. */
  async end(): Promise<void> {
    this.checks[Symbol.dispose]();
    await this.advance(100);
    for (const origin of this.origins) {
      for (const connection of origin.connections) connection.close();
      await origin.refuse();
    }
    await this.advance(1_000);
    assert.equal(this.world.clock.pendingCount, 0, "timers");
  }
}
