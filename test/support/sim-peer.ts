import type { Wire, WireReader } from "../../src/base/world.ts";

const KEPT_BYTES_MAX = 256 * 1024; // of what a peer was sent; the rest is only counted

/** One end of a simulated connection, in the hands of a test: a client, or an origin's side. */
export class SimPeer {
  readonly wire: Wire;
  text = ""; // what came, latin1, up to a bound
  byteCount = 0;
  isOpen = false;
  hasFinished = false; // the other side sent its FIN
  isClosed = false;
  errorCode: string | undefined;
  onBytes: () => void = () => {};

  /** `open` makes the wire; an accepted one has no reader and is handed in as it is. */
  constructor(open: (reader: WireReader) => Wire, isAccepted = false) {
    const lent = Buffer.allocUnsafeSlow(64 * 1024);
    this.wire = open({ buffer: () => lent, read: (count) => this.#came(lent.subarray(0, count)) });
    this.isOpen = isAccepted;
    this.wire.on("connect", () => {
      this.isOpen = true;
    });
    this.wire.on("end", () => {
      this.hasFinished = true;
    });
    this.wire.on("error", ({ code }) => {
      this.errorCode = code;
    });
    this.wire.on("close", () => {
      this.isClosed = true;
    });
    if (isAccepted) this.wire.on("data", (bytes) => this.#came(bytes));
  }

  send(text: string): void {
    this.wire.write(text, "latin1");
  }

  sendBytes(bytes: Uint8Array): boolean {
    return this.wire.write(bytes);
  }

  /** FIN; reading goes on. */
  finish(): void {
    this.wire.end();
  }

  close(): void {
    this.wire.destroy();
  }

  reset(): void {
    this.wire.resetAndDestroy();
  }

  pause(): void {
    this.wire.pause();
  }

  resume(): void {
    this.wire.resume();
  }

  /** The other side ended the connection in a way that tells a cut from an end. */
  get wasReset(): boolean {
    return this.errorCode === "ECONNRESET" || this.errorCode === "EPIPE";
  }

  #came(bytes: Uint8Array): void {
    this.byteCount += bytes.length;
    if (this.text.length < KEPT_BYTES_MAX) {
      this.text += Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
    }
    this.onBytes();
  }
}
