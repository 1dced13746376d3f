import assert from "node:assert/strict";
import type { Exchange } from "../../../src/core/exchange.ts";
import { type ConnectionMeter, Metrics } from "../../../src/observe/metrics.ts";
import { SimMeter } from "../sim-worker.ts";

/** Counts as the metrics do, and holds the engine to what it owes them. */
export class CheckedMetrics extends Metrics {
  readonly over = new Set<Exchange>();
  readonly meters = new Map<string, SimMeter>();
  startedCount = 0;
  bugCount = 0;

  override exchangeStarted(): void {
    this.startedCount++;
    super.exchangeStarted();
  }

  override exchangeEnded(exchange: Exchange): void {
    assert.ok(!this.over.has(exchange), "an exchange ended twice");
    this.over.add(exchange);
    super.exchangeEnded(exchange);
  }

  override bug(): void {
    this.bugCount++;
    super.bug();
  }

  override listenerConnections(listenerKey: string): ConnectionMeter {
    return this.#meter(`listener ${listenerKey}`);
  }

  override endpointConnections(upstream: string, endpointName: string): ConnectionMeter {
    return this.#meter(`${upstream} ${endpointName}`);
  }

  #meter(name: string): SimMeter {
    const meter = this.meters.get(name) ?? new SimMeter();
    this.meters.set(name, meter);
    return meter;
  }
}
