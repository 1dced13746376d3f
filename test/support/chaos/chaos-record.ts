import type { Meant } from "./answer-plan.ts";
import type { ChaosPlan, RequestPlan } from "./chaos-plan.ts";

/** What both sides of the proxy know of each other, and what they have to complain of. */
export class ChaosRecord {
  readonly seed: number;
  readonly complaints: string[] = [];
  isDraining = false; // the proxy is about to stop
  readonly counts = new Map<string, number>(); // what happened, for whoever asks what a run covers
  readonly #requests: ReadonlyMap<number, RequestPlan>;
  readonly #askings = new Map<number, number>();
  readonly #sent = new Map<string, Meant>();

  constructor(plan: ChaosPlan) {
    this.seed = plan.seed;
    const requests = plan.clients.flatMap((client) => client.requests);
    this.#requests = new Map(requests.map((request) => [request.number, request]));
  }

  complain(what: string): void {
    this.complaints.push(what);
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  request(number: number): RequestPlan | undefined {
    return this.#requests.get(number);
  }

  /** An origin has read the head of a request: for which time? */
  wasAsked(request: RequestPlan): number {
    const asking = (this.#askings.get(request.number) ?? 0) + 1;
    this.#askings.set(request.number, asking);
    if (asking > 1) this.count("asked again");
    const mayRepeat = request.route === "replay" || request.method !== "POST";
    if (asking > 1 && !mayRepeat) this.complain(`POST ${request.number} was sent ${asking} times`);
    if (asking > 1 && request.route === "once") {
      this.complain(`request ${request.number} was sent ${asking} times, with retries off`);
    }
    if (asking > 3) this.complain(`request ${request.number} was sent ${asking} times`);
    return asking;
  }

  /** The last byte of an answer has left an origin, as far as it knows. */
  sent(name: string, meant: Meant): void {
    this.#sent.set(name, meant);
  }

  /** What was sent under the name, if all of it was. */
  meant(name: string): Meant | undefined {
    return this.#sent.get(name);
  }
}
