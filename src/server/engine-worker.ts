import { LoopClock } from "../base/loop-clock.ts";
import { ReadBuffers } from "../base/read-buffers.ts";
import { RequestIds } from "../base/request-ids.ts";
import { TimerWheel } from "../base/timer-wheel.ts";
import type { TlsFacts, World } from "../base/world.ts";
import type { Bans } from "../core/bans.ts";
import type { Directory } from "../core/directory.ts";
import { type Attempt, type Exchange, statusOf } from "../core/exchange.ts";
import type { Fault } from "../core/fault.ts";
import type { StateMeter } from "../core/shared-limits.ts";
import type { Session, StreamMeter, StreamPlan, StreamWorker } from "../core/stream.ts";
import type { ConnectionMeter, RefusedConnection, StoredCounts } from "../core/worker.ts";
import type { AccessLog } from "../observe/access-log.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { SessionLog } from "../observe/session-log.ts";
import { NamedNetwork } from "../transport/named-network.ts";

/** One thread's clockwork, and who watches its exchanges. */
export class EngineWorker implements StreamWorker {
  readonly world: World;
  readonly clock: LoopClock;
  readonly wheel: TimerWheel;
  readonly buffers: ReadBuffers;
  readonly metrics: Metrics;
  accessLog: AccessLog | undefined; // a reload may change it
  sessionLog: SessionLog | undefined; // the same log, its lines for streams
  bans: Bans | undefined; // of the config in force
  exchangesUnderWay: number;
  readonly #ids: RequestIds;
  #quietUntilMs: number; // of dropped datagrams

  constructor(world: World, metrics: Metrics, directory: Directory) {
    this.clock = new LoopClock(world.clock);
    const network = new NamedNetwork({ ...world, clock: this.clock }, directory);
    this.world = { ...world, clock: this.clock, network };
    this.wheel = new TimerWheel(this.clock);
    this.buffers = new ReadBuffers();
    this.metrics = metrics;
    this.accessLog = undefined;
    this.sessionLog = undefined;
    this.bans = undefined;
    this.exchangesUnderWay = 0;
    this.#ids = new RequestIds();
    this.#quietUntilMs = Number.NEGATIVE_INFINITY;
  }

  newId(): string {
    return this.#ids.next();
  }

  started(_exchange: Exchange): void {
    this.exchangesUnderWay++;
    this.metrics.exchangeStarted();
  }

  ended(exchange: Exchange): void {
    this.exchangesUnderWay--;
    const finish = exchange.route?.phases.finish;
    if (finish !== undefined) for (const step of finish) step(exchange);
    this.metrics.exchangeEnded(exchange);
    const { bans } = exchange.runtime;
    bans?.scored(exchange.client.address, exchange.fault?.code, statusOf(exchange));
    this.accessLog?.exchangeEnded(exchange);
  }

  attemptFailed(upstream: string, attempt: Attempt): void {
    this.metrics.attemptFailed(upstream, attempt);
  }

  secured(listenerKey: string, facts: TlsFacts): void {
    this.metrics.secured(listenerKey, facts);
  }

  connectionRefused(listenerKey: string, refused: RefusedConnection): void {
    this.metrics.refused(listenerKey, refused.fault.code);
    this.bans?.scored(refused.address, refused.fault.code, 0);
    this.sessionLog?.refused(listenerKey, refused, this.clock.nowMs());
  }

  sessionStarted(session: Session): void {
    this.metrics.streams.started(session);
  }

  sessionEnded(session: Session): void {
    this.metrics.streams.ended(session);
    this.sessionLog?.ended(session);
  }

  streamMeter(stream: StreamPlan): StreamMeter {
    return this.metrics.streams.meter(stream);
  }

  connectionShed(listenerKey: string, fault: Fault): void {
    this.#shed("connections refused", listenerKey, fault);
  }

  datagramDropped(listenerKey: string, fault: Fault): void {
    this.#shed("datagrams dropped", listenerKey, fault);
  }

  // A flood is to fill no log: each is counted, and told of at most every ten seconds.
  #shed(what: string, listenerKey: string, fault: Fault): void {
    this.metrics.refused(listenerKey, fault.code);
    const nowMs = this.clock.nowMs();
    if (nowMs < this.#quietUntilMs) return;
    this.#quietUntilMs = nowMs + DROPS_WARNING_EVERY_MS;
    this.world.log.warn(what, { listener: listenerKey, ...fault });
  }

  banned(reason: string): void {
    this.metrics.banned(reason);
  }

  stateMeter(): StateMeter {
    return this.metrics.stateMeter();
  }

  madeRoom(listenerKey: string): void {
    this.metrics.madeRoom(listenerKey);
  }

  cacheStored(counts: StoredCounts): void {
    this.metrics.cacheStored(counts);
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

const DROPS_WARNING_EVERY_MS = 10_000;
