import assert from "node:assert/strict";
import { LoopClock } from "../../src/base/loop-clock.ts";
import { ReadBuffers } from "../../src/base/read-buffers.ts";
import { TimerWheel } from "../../src/base/timer-wheel.ts";
import type { World } from "../../src/base/world.ts";
import type { Attempt, Exchange } from "../../src/core/exchange.ts";
import type { Fault } from "../../src/core/fault.ts";
import type { Session, StreamMeter, StreamWorker } from "../../src/core/stream.ts";
import type { ConnectionMeter, RefusedConnection } from "../../src/core/worker.ts";

/** A worker that remembers, and holds the engine to what it owes a worker. */
export class SimWorker implements StreamWorker {
  readonly world: World;
  readonly clock: LoopClock;
  readonly wheel: TimerWheel;
  readonly buffers: ReadBuffers;
  readonly begun: Exchange[] = [];
  readonly over: Exchange[] = [];
  readonly failedAttempts: Attempt[] = [];
  readonly sessions: Session[] = [];
  readonly sessionsOver: Session[] = [];
  readonly refusals: string[] = []; // of connections, by code
  readonly shed: string[] = []; // of connections that are many, by code
  roomMade = 0;
  readonly bugs: unknown[] = [];
  readonly meters = new Map<string, SimMeter>();
  #ids = 0;

  constructor(world: World) {
    this.clock = new LoopClock(world.clock);
    this.world = { ...world, clock: this.clock };
    this.wheel = new TimerWheel(this.clock);
    this.buffers = new ReadBuffers();
  }

  get exchangesUnderWay(): number {
    return this.begun.length - this.over.length;
  }

  newId(): string {
    return `id-${++this.#ids}`;
  }

  started(exchange: Exchange): void {
    assert.ok(!this.begun.includes(exchange), "an exchange began twice");
    this.begun.push(exchange);
  }

  ended(exchange: Exchange): void {
    assert.ok(this.begun.includes(exchange), "an exchange ended that never began");
    assert.ok(!this.over.includes(exchange), "an exchange ended twice");
    this.over.push(exchange);
    for (const step of exchange.route?.phases.finish ?? []) step(exchange);
  }

  attemptFailed(_upstream: string, attempt: Attempt): void {
    this.failedAttempts.push(attempt);
  }

  sessionStarted(session: Session): void {
    assert.ok(!this.sessions.includes(session), "a session began twice");
    this.sessions.push(session);
  }

  sessionEnded(session: Session): void {
    assert.ok(this.sessions.includes(session), "a session ended that never began");
    assert.ok(!this.sessionsOver.includes(session), "a session ended twice");
    this.sessionsOver.push(session);
  }

  streamMeter(): StreamMeter {
    return { received: () => {}, sent: () => {} };
  }

  datagramDropped(_listenerKey: string, { code }: Fault): void {
    this.refusals.push(code);
  }

  secured(): void {}

  connectionShed(_listenerKey: string, { code }: Fault): void {
    this.shed.push(code);
  }

  madeRoom(): void {
    this.roomMade++;
  }

  connectionRefused(_listenerKey: string, { fault }: RefusedConnection): void {
    this.refusals.push(fault.code);
  }

  bug(error: unknown): void {
    this.bugs.push(error);
  }

  listenerMeter(listenerKey: string): ConnectionMeter {
    return this.#meter(`listener ${listenerKey}`);
  }

  endpointMeter(upstream: string, endpointName: string): ConnectionMeter {
    return this.#meter(`${upstream} ${endpointName}`);
  }

  #meter(name: string): SimMeter {
    const meter = this.meters.get(name) ?? new SimMeter();
    this.meters.set(name, meter);
    return meter;
  }
}

/** Counts as the metrics do, and refuses what would make a gauge wrong for ever. */
export class SimMeter implements ConnectionMeter {
  openCount = 0;
  idleCount = 0;

  opened(): void {
    this.openCount++;
  }

  closed(): void {
    assert.ok(this.openCount > 0, "a connection closed that was not open");
    this.openCount--;
    assert.ok(this.idleCount <= this.openCount, "a connection closed that counts as idle");
  }

  idle(): void {
    this.idleCount++;
    assert.ok(this.idleCount <= this.openCount, "more idle connections than open ones");
  }

  busy(): void {
    assert.ok(this.idleCount > 0, "a connection is busy that was not idle");
    this.idleCount--;
  }
}
