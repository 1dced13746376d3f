import type { Certificates } from "../../core/certificates.ts";
import { Slots } from "../acme/slots.ts";
import {
  StapleKeeper,
  type StapleOutcome,
  type StapleStatus,
  type StapleWorld,
} from "./staple-keeper.ts";
import { stapledChainOf, staplingProblem } from "./stapled-chain.ts";

/** Certificates whose CA has taken them back; the id is that of the entry. */
export type RevokedTaker = (id: string) => void;

/** How often asking came to that. */
export interface StapleCount {
  readonly outcome: StapleOutcome;
  readonly count: number;
}

interface Kept {
  readonly cert: string; // that it is about
  readonly keeper: StapleKeeper;
  readonly first: Promise<void>; // its first answer, or that there is none
}

const ASK_MAX = 8; // at once
const FIRST_MS = 3_000; // so long a start waits for answers that must be there

/**
 * What CAs say of the certificates that are served (OCSP), stapled to those of them that name a
 * responder. Of the main thread; follows the certificates, wherever they come from.
 */
export class Staples implements Disposable {
  readonly #world: StapleWorld;
  readonly #certificates: Certificates;
  readonly #revoked: RevokedTaker;
  readonly #kept: Map<string, Kept>; // by id
  readonly #slots: Slots;
  readonly #counts: Map<StapleOutcome, number>;
  readonly #watching: Disposable;
  #isOn: boolean;

  constructor(world: StapleWorld, certificates: Certificates, revoked: RevokedTaker) {
    this.#world = world;
    this.#certificates = certificates;
    this.#revoked = revoked;
    this.#kept = new Map();
    this.#slots = new Slots(ASK_MAX);
    this.#counts = new Map();
    this.#isOn = false;
    this.#watching = certificates.watch((id) => {
      if (this.#isOn && id !== "") this.#follow(id);
    });
  }

  /** As a config wants it. */
  take(isOn: boolean): void {
    if (this.#isOn === isOn) return;
    this.#isOn = isOn;
    if (isOn) for (const { id } of this.#certificates.entries) this.#follow(id);
    else for (const id of [...this.#kept.keys()]) this.#drop(id);
  }

  /** A start waits a moment for what clients refuse a certificate without. */
  async first(): Promise<void> {
    const needed = this.#certificates.entries.flatMap((entry) => {
      const kept = this.#kept.get(entry.id);
      return kept !== undefined && stapledChainOf(entry).mustStaple ? [kept.first] : [];
    });
    if (needed.length === 0) return;
    const late = Promise.withResolvers<void>();
    const timer = this.#world.clock.after(FIRST_MS, late.resolve);
    await Promise.race([Promise.all(needed), late.promise]);
    timer.cancel();
  }

  /** Of a certificate by its id; undefined where nothing is asked. */
  statusOf(id: string): StapleStatus | undefined {
    return this.#kept.get(id)?.keeper.status;
  }

  /** Since the start. */
  get counts(): readonly StapleCount[] {
    return [...this.#counts].map(([outcome, count]) => ({ outcome, count }));
  }

  [Symbol.dispose](): void {
    this.#watching[Symbol.dispose]();
    for (const { keeper } of this.#kept.values()) keeper[Symbol.dispose]();
    this.#kept.clear();
  }

  #follow(id: string): void {
    const entry = this.#certificates.find(id);
    const before = this.#kept.get(id);
    if (before !== undefined && before.cert === entry?.cert) return;
    before?.keeper[Symbol.dispose]();
    this.#kept.delete(id);
    if (entry === undefined) return;
    const chain = stapledChainOf(entry);
    const { responder, key, issuer } = chain;
    if (staplingProblem(chain) !== undefined) return;
    const keeper = new StapleKeeper(
      {
        world: this.#world,
        slots: this.#slots,
        changed: () => this.#changed(id, keeper),
        counted: (outcome) => this.#counts.set(outcome, (this.#counts.get(outcome) ?? 0) + 1),
      },
      { id, responder: responder!, key: key!, issuer: issuer! }, // there is no problem with it
    );
    this.#kept.set(id, { cert: entry.cert, keeper, first: keeper.start() });
  }

  #changed(id: string, keeper: StapleKeeper): void {
    if (this.#kept.get(id)?.keeper !== keeper) return;
    this.#certificates.staple(id, keeper.staple);
    if (keeper.isRevoked) this.#revoked(id);
  }

  #drop(id: string): void {
    this.#kept.get(id)?.keeper[Symbol.dispose]();
    this.#kept.delete(id);
    if (this.#certificates.stapleOf(id) !== undefined) this.#certificates.staple(id, undefined);
  }
}
