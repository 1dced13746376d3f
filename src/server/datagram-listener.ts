import type { Lanes } from "../base/lanes.ts";
import type { Address, DatagramDoor, World } from "../base/world.ts";
import type { Fault } from "../core/fault.ts";
import { LoneMachine } from "../core/machine.ts";
import type { Runtime } from "../core/runtime.ts";
import {
  Session,
  type StreamListenerPlan,
  type StreamPlan,
  type StreamWorker,
} from "../core/stream.ts";
import { NO_FACTS } from "../protocol/proxy-protocol/proxy-header.ts";
import { DatagramSession, type DatagramSessionOwner } from "../transport/datagram-session.ts";
import { guard } from "../transport/guard.ts";
import { plainAddress } from "../transport/wire-peer.ts";
import type { Leaving } from "./crew.ts";
import { type Drained, Emptying, type HandOver } from "./emptying.ts";

/**
 * A bound socket for UDP, and the sessions of those who send to it, by address and port. Anyone can
 * begin a session, under any address: past the limit new ones are refused, and old ones go on.
 */
export class DatagramListener implements DatagramSessionOwner {
  readonly protocol = "udp";
  readonly #worker: StreamWorker;
  readonly #counts: Lanes; // of all workers' listeners of this key
  readonly #sessions: Map<string, DatagramSession>;
  readonly #peers: Map<DatagramSession, Address>;
  readonly #emptying: Emptying;
  #plan: StreamListenerPlan;
  #door: DatagramDoor | undefined;
  #isDraining: boolean;
  #holds: boolean; // sessions begin with letIn()

  constructor(
    worker: StreamWorker,
    plan: StreamListenerPlan,
    counts: Lanes = new LoneMachine().lanes(),
  ) {
    this.#worker = worker;
    this.#counts = counts;
    this.#sessions = new Map();
    this.#peers = new Map();
    this.#emptying = new Emptying(worker.world.clock, () => this.connectionCount);
    this.#plan = plan;
    this.#door = undefined;
    this.#isDraining = false;
    this.#holds = false;
  }

  get key(): string {
    return this.#plan.key;
  }

  get door(): DatagramDoor | undefined {
    return this.#door;
  }

  get drainMs(): number {
    return this.#plan.drainMs;
  }

  get connectionCount(): number {
    return this.#sessions.size;
  }

  /** Rejects with a ListenError if the address cannot be bound. */
  async open(
    network: World["network"],
    address = this.#plan.address,
    holds = false,
  ): Promise<void> {
    this.#holds = holds;
    this.#door = await network.bindDatagrams(address, {
      received: (bytes, from) => {
        const bug = (error: unknown) => this.#worker.bug(error, undefined);
        guard({ bug }, () => this.#received(bytes, from));
      },
    });
  }

  /** What came before was dropped, as datagrams may be. */
  letIn(): void {
    this.#holds = false;
  }

  /** From the next session on; false if the runtime does not have it any more. */
  serve(runtime: Runtime): boolean {
    const plan = runtime.streamListeners.get(this.key);
    if (plan !== undefined) this.#plan = plan;
    return plan !== undefined;
  }

  /**
   * Begins no more sessions; those there are have until the deadline. The socket stays open for as
   * long, since their datagrams come through it.
   */
  async drain(deadlineMs: number): Promise<Drained> {
    await this.shut();
    return await this.#finish(deadlineMs);
  }

  async shut(): Promise<void> {
    this.#isDraining = true;
  }

  /**
   * The other process has a socket of its own beside ours, and the kernel goes on to give us a part of
   * those who are new: they are served, until nobody is left or for as long as a drain may take.
   */
  handOver(_manner: HandOver): Promise<Drained> {
    return this.#finish(this.drainMs);
  }

  async #finish(deadlineMs: number): Promise<Drained> {
    const before = this.#sessions.size;
    await this.#emptying.within(deadlineMs);
    this.#isDraining = true;
    await this.#door?.[Symbol.asyncDispose]();

    const left = [...this.#sessions.values()];
    for (const session of left) session.cut(DEADLINE);
    return { finished: Math.max(0, before - left.length), cut: left.length };
  }

  /** What is going on now. */
  get inFlightCounts(): Leaving {
    return { exchanges: this.#sessions.size, tunnels: 0 };
  }

  /** The drain's deadline is now. */
  hurry(): void {
    this.#emptying.hurry();
  }

  #received(bytes: Uint8Array, from: Address): void {
    const key = `${from.host} ${from.port}`;
    const session = this.#sessions.get(key) ?? this.#begin(key, from);
    session?.fromClient(bytes);
  }

  #begin(key: string, from: Address): DatagramSession | undefined {
    const plan = this.#plan;
    if (this.#isDraining) return this.#drop(DRAINING);
    if (this.#holds) return undefined;
    if (this.#counts.sum(OPEN) >= plan.connectionsMax) return this.#drop(FULL);
    const stream = plan.streams.find("")!; // UDP has one without names
    const claim = stream.upstream.claim({ hashKey: plainAddress(from.host), tried: [] });
    if (claim === undefined) return this.#drop(stream.upstream.refusal());
    const record = this.#record(stream, from);
    const session = new DatagramSession(this.#worker, record, claim, this);
    this.#sessions.set(key, session);
    this.#peers.set(session, from);
    this.#counts.add(OPEN, 1);
    return session;
  }

  #record(stream: StreamPlan, from: Address): Session {
    const address = plainAddress(from.host);
    const client = {
      address,
      port: from.port,
      wireAddress: address,
      destination: this.#door?.address ?? this.#plan.address,
      facts: NO_FACTS,
    };
    const { clock } = this.#worker;
    return new Session(this.#worker.newId(), stream, "udp", client, "", clock.nowMs());
  }

  #drop(fault: Fault): undefined {
    this.#worker.datagramDropped(this.key, fault);
  }

  reply(session: DatagramSession, bytes: Uint8Array): void {
    const peer = this.#peers.get(session);
    if (peer !== undefined) this.#door?.send(bytes, peer);
  }

  ended(session: DatagramSession): void {
    const peer = this.#peers.get(session);
    if (peer === undefined) return;
    this.#peers.delete(session);
    this.#counts.add(OPEN, -1);
    this.#sessions.delete(`${peer.host} ${peer.port}`);
    this.#emptying.check();
  }
}

const FULL: Fault = { code: "sessions_full", detail: "limits.sessionsMax" };
const DRAINING: Fault = { code: "shutting_down", detail: "no new sessions" };
const DEADLINE: Fault = { code: "shutting_down", detail: "the drain deadline passed" };
const OPEN = 0; // in each worker's lane
