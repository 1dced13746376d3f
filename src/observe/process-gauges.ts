import {
  constants,
  monitorEventLoopDelay,
  PerformanceObserver,
  performance,
} from "node:perf_hooks";
import type { Exposition } from "./exposition.ts";

const SAMPLE_MS = 50; // each sample wakes the process; shorter ones see shorter stalls
const QUANTILES = [0.5, 0.9, 0.99, 1] as const;

const GC_KINDS: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: "minor",
  [constants.NODE_PERFORMANCE_GC_MAJOR]: "major",
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: "incremental",
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: "weak",
};

/** What the process itself costs. One for the program, for as long as it lives. */
export class ProcessGauges implements Disposable {
  readonly #delay: ReturnType<typeof monitorEventLoopDelay>;
  readonly #observer: PerformanceObserver;
  readonly #gcMs: Map<string, number>;
  #utilization: ReturnType<typeof performance.eventLoopUtilization>;

  constructor() {
    this.#gcMs = new Map(Object.values(GC_KINDS).map((kind) => [kind, 0]));
    this.#delay = monitorEventLoopDelay({ resolution: SAMPLE_MS });
    this.#delay.enable();
    this.#observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) this.#addGc(entry);
    });
    this.#observer.observe({ entryTypes: ["gc"] });
    this.#utilization = performance.eventLoopUtilization();
  }

  render(out: Exposition): void {
    const { user, system } = process.cpuUsage();
    out.sample("cpuSeconds", ["user"], user / 1e6);
    out.sample("cpuSeconds", ["system"], system / 1e6);
    const memory = process.memoryUsage();
    out.sample("residentBytes", [], memory.rss);
    out.sample("heapBytes", ["used"], memory.heapUsed);
    out.sample("heapBytes", ["total"], memory.heapTotal);
    out.sample("heapBytes", ["external"], memory.external);
    out.sample("startTime", [], Math.round(performance.timeOrigin) / 1000);
    this.#renderLoop(out);
    for (const [kind, ms] of this.#gcMs) out.sample("gcSeconds", [kind], ms / 1000);
  }

  #renderLoop(out: Exposition): void {
    for (const quantile of QUANTILES) {
      // The histogram holds whole intervals; what is beyond the interval asked for is delay.
      const ns = this.#delay.count === 0 ? 0 : this.#delay.percentile(quantile * 100);
      out.sample("loopDelay", [String(quantile)], Math.max(0, ns / 1e9 - SAMPLE_MS / 1000));
    }
    this.#delay.reset();
    const now = performance.eventLoopUtilization();
    const since = performance.eventLoopUtilization(now, this.#utilization);
    out.sample("loopUtilization", [], since.utilization);
    this.#utilization = now;
  }

  #addGc(entry: { readonly duration: number; readonly detail?: unknown }): void {
    const { detail } = entry;
    if (typeof detail !== "object" || detail === null || !("kind" in detail)) return;
    const kind = GC_KINDS[Number(detail.kind)];
    if (kind !== undefined) this.#gcMs.set(kind, this.#gcMs.get(kind)! + entry.duration);
  }

  [Symbol.dispose](): void {
    this.#delay.disable();
    this.#observer.disconnect();
  }
}
