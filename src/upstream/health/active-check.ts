import type { Address, Clock, Network, Random, Timer, TlsClient } from "../../base/world.ts";
import type { Endpoint } from "../../core/upstream.ts";
import type { CheckOptions } from "./check-options.ts";
import { GrpcProbe } from "./grpc-probe.ts";
import type { HealthLog } from "./health-log.ts";
import { HttpProbe } from "./http-probe.ts";
import { type Finding, GOOD, type Probe } from "./probe.ts";
import { TcpProbe } from "./tcp-probe.ts";
import type { Turns } from "./turns.ts";

export interface CheckTools {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Network;
  readonly turns: Turns;
}

/**
 * Asks one endpoint again and again whether it can serve, and writes what it finds into the state
 * that all workers read. Never more than one check of it is under way.
 *
 *     unknown ─ any result ─► up or down       the first one decides, for better or worse
 *     up   ─ `down` bad ones in a row ─► down
 *     down ─ `up` good ones in a row ─► up
 */
export class ActiveCheck implements Disposable {
  readonly endpoint: Endpoint;
  readonly #options: CheckOptions;
  readonly #tools: CheckTools;
  readonly #log: HealthLog;
  #timer: Timer | undefined; // until the next check, or until this one is too late
  #probe: Probe | undefined;
  #beganMs: number;
  #isFirst: boolean;
  #inRow: number; // results that speak against what we hold of it
  #isOver: boolean;

  constructor(endpoint: Endpoint, options: CheckOptions, tools: CheckTools, log: HealthLog) {
    this.endpoint = endpoint;
    this.#options = options;
    this.#tools = tools;
    this.#log = log;
    this.#timer = undefined;
    this.#probe = undefined;
    this.#beganMs = 0;
    this.#inRow = 0;
    this.#isOver = false;
    const { state } = endpoint;
    this.#isFirst = state.health === "unknown";
    if (this.#isFirst) state.health = options.initial;
  }

  start(delayMs: number): void {
    this.#timer = this.#tools.clock.after(delayMs, () =>
      this.#tools.turns.take(() => this.#begin()),
    );
  }

  [Symbol.dispose](): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.cancel();
    if (this.#probe === undefined) return; // if it waits for its turn, it will give it back
    this.#probe.cancel();
    this.#tools.turns.done();
  }

  #begin(): void {
    const { clock, turns } = this.#tools;
    if (this.#isOver) {
      turns.done();
      return;
    }
    this.#beganMs = clock.nowMs();
    this.#timer = clock.after(this.#options.timeoutMs, () => {
      this.#probe?.cancel();
      this.#end("timeout");
    });
    this.#probe = this.#newProbe();
    this.#probe.begin(this.#tools.network, this.#address(), this.#tls);
  }

  #newProbe(): Probe {
    const { ask } = this.#options;
    const tell = (finding: Finding) => this.#end(finding);
    if (ask.kind === "tcp") return new TcpProbe(ask, tell);
    const { name, address, manner } = this.endpoint;
    const host = address.host.startsWith("/") ? "localhost" : name;
    if (ask.kind === "grpc") return new GrpcProbe(ask, host, manner, tell);
    return new HttpProbe(ask, host, manner, tell);
  }

  /** A check over TCP speaks no protocol that there would be a word for. */
  get #tls(): TlsClient | undefined {
    const { tls } = this.endpoint.manner;
    return this.#options.ask.kind === "tcp" ? tls && { ...tls, alpn: [] } : tls;
  }

  #address(): Address {
    const { port } = this.#options;
    const { address } = this.endpoint;
    return port === undefined ? address : { host: address.host, port };
  }

  #end(finding: Finding): void {
    this.#timer?.cancel();
    this.#probe = undefined;
    this.#judge(finding);
    this.start(this.#restMs());
    this.#tools.turns.done();
  }

  #judge(finding: Finding): void {
    const { state } = this.endpoint;
    if (finding === GOOD) state.checks.passed++;
    else state.checks.failed++;

    const found = finding === GOOD ? "up" : "down";
    const isNews = found !== state.health;
    this.#inRow = isNews ? this.#inRow + 1 : 0;
    const isSure = this.#inRow >= (found === "up" ? this.#options.up : this.#options.down);
    if (isNews && (this.#isFirst || isSure)) this.#turn(found, finding);
    this.#isFirst = false;
  }

  #turn(found: "up" | "down", finding: Finding): void {
    const { name, state } = this.endpoint;
    this.#inRow = 0;
    if (found === "up" && state.health === "down") state.readySinceMs = this.#tools.clock.nowMs();
    state.health = found;
    const why = finding === GOOD ? {} : { why: finding };
    this.#log.tell(`endpoint is ${found}`, { endpoint: name, ...why });
  }

  /** Until the next one: intervals count from begin to begin. */
  #restMs(): number {
    const { everyMs, everyDownMs, jitterPercent } = this.#options;
    const { clock, random } = this.#tools;
    const intervalMs = this.endpoint.state.health === "down" ? everyDownMs : everyMs;
    const spanMs = Math.floor((intervalMs * jitterPercent) / 100);
    const wantedMs = intervalMs - spanMs + random.below(2 * spanMs + 1);
    return Math.max(0, wantedMs - (clock.nowMs() - this.#beganMs));
  }
}
