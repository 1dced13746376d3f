import { AcmeFailure } from "./acme-failure.ts";
import type { IssuedCertificate } from "./issued.ts";
import type { Issuer, Ordering, RenewalAnswer } from "./issuer.ts";
import type { OnDemand } from "./on-demand.ts";

/**
 * Renews a certificate on demand only if the operator's endpoint still says yes. What was said when
 * the name came first may be months old by then.
 */
export class AskedIssuer implements Issuer {
  readonly name: string;
  readonly #issuer: Issuer;
  readonly #onDemand: OnDemand;
  readonly #unwanted: () => void;

  /** `unwanted`: it says no by now. */
  constructor(issuer: Issuer, onDemand: OnDemand, unwanted: () => void) {
    this.name = issuer.name;
    this.#issuer = issuer;
    this.#onDemand = onDemand;
    this.#unwanted = unwanted;
  }

  get pausedMs(): number {
    return this.#issuer.pausedMs;
  }

  async order(ordering: Ordering): Promise<IssuedCertificate> {
    // The first time it was asked a moment ago.
    if (ordering.before !== undefined) await this.#askAgain(ordering.wanted.names[0]!);
    return await this.#issuer.order(ordering);
  }

  renewalWish(id: string): Promise<RenewalAnswer | undefined> {
    return this.#issuer.renewalWish(id);
  }

  async #askAgain(name: string): Promise<void> {
    const said = await this.#onDemand.asksAgain(name);
    if (said === "yes") return;
    if (said === "unsaid") {
      throw new AcmeFailure("unreachable", `nobody says whether ${name} is still to have one`);
    }
    this.#unwanted();
    throw new AcmeFailure("refused", `${name} is to have none any more`);
  }
}
