/** What a drain's deadline does to who is left. */
import type { Log } from "../base/world.ts";
import type { Exchange } from "../core/exchange.ts";
import type { Fault } from "../core/fault.ts";
import type { DownstreamConnection } from "../transport/downstream-connection.ts";

export class Cutting {
  readonly #fault: Fault;
  readonly #log: Log;
  readonly #nowMs: number;

  constructor(fault: Fault, log: Log, nowMs: number) {
    this.#fault = fault;
    this.#log = log;
    this.#nowMs = nowMs;
  }

  cut(connection: DownstreamConnection): void {
    for (const { exchange } of connection.inFlight) {
      if (exchange !== undefined) this.#tell(exchange);
    }
    connection.abort(this.#fault);
  }

  /** Of HTTP/2, which may have both. */
  cutBesideTunnels(connection: DownstreamConnection): void {
    for (const one of [...connection.inFlight]) {
      if (one.isTunnel || one.exchange === undefined) continue;
      this.#tell(one.exchange);
      one.abort(this.#fault);
    }
  }

  #tell(exchange: Exchange): void {
    this.#log.warn("exchange cut by the drain deadline", {
      id: exchange.id,
      method: exchange.request.method,
      host: exchange.request.host,
      path: exchange.request.path,
      route: exchange.route?.name,
      upstream: exchange.upstream,
      ageMs: Math.round(this.#nowMs - exchange.times.startedMs),
    });
  }
}
