import type { Address, Network, TlsClient, Wire, WireReader } from "../../base/world.ts";

/** What one check found: nothing wrong, or what. */
export type Finding = string | undefined;

export const GOOD: Finding = undefined;
export const ANSWER_BYTES_MAX = 64 * 1024; // what of an answer is looked at; the rest is not read
const READ_BYTES = 16 * 1024;

/**
 * One check of one endpoint, on a connection of its own. Tells what it found exactly once, unless it
 * is cancelled; whatever the endpoint does afterwards, the connection is gone by then.
 */
export abstract class Probe implements WireReader {
  readonly #tell: (finding: Finding) => void;
  #wire: Wire | undefined; // from begin() on
  #buffer: Buffer | undefined;
  #isOver: boolean;

  constructor(tell: (finding: Finding) => void) {
    this.#tell = tell;
    this.#wire = undefined;
    this.#buffer = undefined;
    this.#isOver = false;
  }

  /** Not in the constructor: the network may ask for a buffer at once. */
  begin(network: Network, address: Address, tls: TlsClient | undefined): void {
    const wire = network.connect(address, this, tls);
    this.#wire = wire;
    let reason = "closed";
    wire.on("error", (error) => {
      reason = error.code ?? "error";
    });
    wire.on(tls === undefined ? "connect" : "secureConnect", () =>
      this.#guard(() => this.connected()),
    );
    wire.on("end", () => this.#guard(() => this.finished()));
    wire.on("close", () => this.over(reason));
  }

  /** Nobody wants to know any more. */
  cancel(): void {
    this.#isOver = true;
    this.#wire?.destroy();
  }

  buffer(): Uint8Array {
    this.#buffer ??= Buffer.allocUnsafeSlow(READ_BYTES); // what is read is copied at once
    return this.#buffer;
  }

  read(count: number, buffer: Uint8Array): void {
    this.#guard(() => this.received(buffer as Buffer, count)); // ours: it came from buffer()
  }

  protected abstract connected(): void;
  protected abstract received(buffer: Buffer, count: number): void;
  /** The endpoint's FIN. */
  protected abstract finished(): void;

  protected send(text: string): void {
    this.#wire?.write(text, "latin1");
  }

  protected sendBytes(bytes: Buffer): void {
    this.#wire?.write(bytes);
  }

  protected get alpn(): string | false | null | undefined {
    return this.#wire?.alpnProtocol;
  }

  protected over(finding: Finding): void {
    if (this.#isOver) return;
    this.cancel();
    this.#tell(finding);
  }

  /** What an endpoint sends must not end the process, whatever it is. */
  #guard(act: () => void): void {
    if (this.#isOver) return;
    try {
      act();
    } catch (error) {
      this.over(`bug: ${error}`);
    }
  }
}
