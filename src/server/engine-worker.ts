import { LoopClock } from "../base/loop-clock.ts";
import { ReadBuffers } from "../base/read-buffers.ts";
import { RequestIds } from "../base/request-ids.ts";
import { TimerWheel } from "../base/timer-wheel.ts";
import type { World } from "../base/world.ts";
import type { Directory } from "../core/directory.ts";
import type { Attempt, Exchange } from "../core/exchange.ts";
import type { ConnectionMeter, Worker } from "../core/worker.ts";
import type { AccessLog } from "../observe/access-log.ts";
import type { Metrics } from "../observe/metrics.ts";
import { NamedNetwork } from "../transport/named-network.ts";

/** One thread's clockwork, and who watches its exchanges. */
export class EngineWorker implements Worker {
  readonly world: World;
  readonly clock: LoopClock;
  readonly wheel: TimerWheel;
  readonly buffers: ReadBuffers;
  readonly metrics: Metrics;
  accessLog: AccessLog | undefined; // a reload may change it
  readonly #ids: RequestIds;

  constructor(world: World, metrics: Metrics, directory: Directory) {
    this.clock = new LoopClock(world.clock);
    const network = new NamedNetwork({ ...world, clock: this.clock }, directory);
    this.world = { ...world, clock: this.clock, network };
    this.wheel = new TimerWheel(this.clock);
    this.buffers = new ReadBuffers();
    this.metrics = metrics;
    this.accessLog = undefined;
    this.#ids = new RequestIds();
  }

  newId(): string {
    return this.#ids.next();
  }

  started(_exchange: Exchange): void {
    this.metrics.exchangeStarted();
  }

  ended(exchange: Exchange): void {
    const finish = exchange.route?.phases.finish;
    if (finish !== undefined) for (const step of finish) step(exchange);
    this.metrics.exchangeEnded(exchange);
    this.accessLog?.exchangeEnded(exchange);
  }

  attemptFailed(upstream: string, attempt: Attempt): void {
    this.metrics.attemptFailed(upstream, attempt);
  }

  bug(error: unknown, exchange: Exchange | undefined): void {
    this.metrics.bug();
    const stack = error instanceof Error ? error.stack : String(error);
    this.world.log.warn("bug", { id: exchange?.id, route: exchange?.route?.name, stack });
  }

  listenerMeter(listenerKey: string): ConnectionMeter {
    return this.metrics.listenerConnections(listenerKey);
  }

  endpointMeter(upstream: string, endpointName: string): ConnectionMeter {
    return this.metrics.endpointConnections(upstream, endpointName);
  }
}
