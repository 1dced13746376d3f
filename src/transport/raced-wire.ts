import type { Clock, Timer, Wire } from "../base/world.ts";

/** RFC 8305 §5: how long one address has before the next is tried beside it. */
export const STAGGER_MS = 250;

export interface Race {
  readonly clock: Clock;
  readonly why: string; // the code to fail with if there is nobody to race
  connect(host: string): Wire;
  won(host: string): void;
}

type Listener = { readonly event: string; readonly fn: (...args: never[]) => void };

/**
 * A connection to whichever of several addresses answers first (happy eyeballs, RFC 8305). Each has
 * a quarter of a second, or until it fails, before the next one is tried beside it; the first that
 * connects is the wire from then on, and the others are destroyed before a byte was sent on them.
 * Where wires are secured, too, it is who connects first; its handshake is nobody's race.
 *
 *     racing ──one connects──► won
 *       ├─all fail──► lost (the last one's error, then "close")
 *       └─destroy()─► lost ("close")
 */
export class RacedWire implements Wire {
  readonly #race: Race;
  readonly #hosts: string[]; // not tried yet
  readonly #runners: Map<Wire, string>;
  readonly #listeners: Listener[];
  readonly #written: (Uint8Array | string)[]; // before there is a winner; Latin-1 if text
  #winner: Wire | undefined;
  #timer: Timer | undefined;
  #error: NodeJS.ErrnoException | undefined;
  #isPaused: boolean;
  #isEnded: boolean;
  #isDestroyed: boolean;

  constructor(hosts: readonly string[], race: Race) {
    this.#race = race;
    this.#hosts = [...hosts];
    this.#runners = new Map();
    this.#listeners = [];
    this.#written = [];
    this.#winner = undefined;
    this.#timer = undefined;
    this.#error = undefined;
    this.#isPaused = false;
    this.#isEnded = false;
    this.#isDestroyed = false;
    if (hosts.length > 0) this.#next();
    else race.clock.after(0, () => this.#lose(unresolved(race.why))); // who asked has yet to listen
  }

  get destroyed(): boolean {
    return this.#winner?.destroyed ?? this.#isDestroyed;
  }

  get writableLength(): number {
    if (this.#winner !== undefined) return this.#winner.writableLength;
    return this.#written.reduce((sum, { length }) => sum + length, 0);
  }

  get remoteAddress(): string | undefined {
    return this.#winner?.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.#winner?.remotePort;
  }

  get alpnProtocol(): string | false | null {
    return this.#winner?.alpnProtocol ?? null;
  }

  get localAddress(): string | undefined {
    return this.#winner?.localAddress;
  }

  get localPort(): number | undefined {
    return this.#winner?.localPort;
  }

  write(bytes: Uint8Array | string, encoding?: "latin1"): boolean {
    const winner = this.#winner;
    if (winner === undefined) {
      this.#written.push(bytes);
      return false; // "drain" comes once it has gone out
    }
    return typeof bytes === "string" ? winner.write(bytes, encoding!) : winner.write(bytes);
  }

  end(): void {
    this.#isEnded = true;
    this.#winner?.end();
  }

  destroy(): void {
    if (this.#winner !== undefined) this.#winner.destroy();
    else if (!this.#isDestroyed) this.#lose(undefined);
  }

  destroySoon(): void {
    if (this.#winner !== undefined) this.#winner.destroySoon();
    else this.destroy();
  }

  resetAndDestroy(): void {
    if (this.#winner !== undefined) this.#winner.resetAndDestroy();
    else this.destroy();
  }

  pause(): void {
    this.#isPaused = true;
    this.#winner?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#winner?.resume();
  }

  on(event: "data", fn: (bytes: Uint8Array) => void): unknown;
  on(event: "connect" | "secureConnect" | "end" | "close" | "drain", fn: () => void): unknown;
  on(event: "error", fn: (error: NodeJS.ErrnoException) => void): unknown;
  on(event: string, fn: (...args: never[]) => void): unknown {
    if (this.#winner !== undefined) listen(this.#winner, { event, fn });
    else this.#listeners.push({ event, fn });
    return this;
  }

  off(event: "data", fn: (bytes: Uint8Array) => void): unknown;
  off(event: "connect" | "secureConnect" | "end" | "close" | "drain", fn: () => void): unknown;
  off(event: string, fn: (...args: never[]) => void): unknown {
    if (this.#winner !== undefined) this.#winner.off(event as "end", fn as () => void);
    const at = this.#listeners.findIndex((each) => each.event === event && each.fn === fn);
    if (at >= 0) this.#listeners.splice(at, 1);
    return this;
  }

  // --- the race --------------------------------------------------------------------------------

  #next(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const host = this.#hosts.shift();
    if (host === undefined) {
      if (this.#runners.size === 0) this.#lose(this.#error);
      return;
    }
    const runner = this.#race.connect(host);
    this.#runners.set(runner, host);
    runner.on("connect", () => this.#connected(runner));
    runner.on("error", (error) => {
      this.#error = error;
    });
    runner.on("close", () => this.#failed(runner));
    if (this.#hosts.length > 0) {
      this.#timer = this.#race.clock.after(STAGGER_MS, () => this.#next());
    }
  }

  #failed(runner: Wire): void {
    if (!this.#runners.delete(runner) || this.#winner !== undefined || this.#isDestroyed) return;
    if (this.#hosts.length > 0 || this.#runners.size === 0) this.#next();
  }

  #connected(runner: Wire): void {
    const host = this.#runners.get(runner);
    if (host === undefined || this.#winner !== undefined || this.#isDestroyed) return;
    this.#winner = runner;
    this.#runners.delete(runner);
    this.#stop();
    this.#race.won(host);
    const listeners = this.#listeners.splice(0);
    for (const listener of listeners) if (listener.event !== "connect") listen(runner, listener);
    if (this.#isPaused) runner.pause();
    const hasRoom = this.#flush(runner);
    if (this.#isEnded) runner.end();
    tell(listeners, "connect");
    if (hasRoom) tell(listeners, "drain");
  }

  /** True if who was told to hold on may write again. */
  #flush(winner: Wire): boolean {
    const written = this.#written.splice(0);
    let hasRoom = written.length > 0;
    for (const each of written) {
      hasRoom = typeof each === "string" ? winner.write(each, "latin1") : winner.write(each);
    }
    return hasRoom;
  }

  /** Nobody is raced any more. */
  #stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#hosts.length = 0;
    for (const runner of this.#runners.keys()) runner.destroy();
    this.#runners.clear();
  }

  #lose(error: NodeJS.ErrnoException | undefined): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    this.#stop();
    const listeners = this.#listeners.splice(0);
    if (error !== undefined) tell(listeners, "error", error);
    // As with any wire, "close" comes after the call that destroyed it has returned.
    this.#race.clock.after(0, () => tell(listeners, "close"));
  }
}

function listen(wire: Wire, { event, fn }: Listener): void {
  wire.on(event as "end", fn as () => void); // as it was given to on(), which has the pairs
}

function tell(listeners: readonly Listener[], event: string, ...args: unknown[]): void {
  for (const each of listeners) if (each.event === event) each.fn(...(args as never[]));
}

export function unresolved(why: string): NodeJS.ErrnoException {
  const code = why === "" ? "ENOTFOUND" : why;
  return Object.assign(new Error(`the name has no address: ${code}`), {
    code: "ENOTFOUND",
    syscall: "resolve",
  });
}
