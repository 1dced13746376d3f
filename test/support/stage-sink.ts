import type { Onward } from "../../src/core/body-stage.ts";
import type { Fault } from "../../src/core/fault.ts";
import { eventually } from "./deadline.ts";

/** Who comes after a stage, and who before, as a test wants them. */
export class StageSink implements Onward {
  readonly holdsBytes = false;
  readonly faults: Fault[] = [];
  readonly #pieces: Buffer[] = [];
  takes: (bytes: Buffer) => boolean = () => true;
  flushes = 0;
  asked = 0; // calls of more()
  ends = 0;
  flushedBytes = 0; // that had come by the last flush

  /** All that has come. */
  get bytes(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  get flushed(): Buffer {
    return this.bytes.subarray(0, this.flushedBytes);
  }

  write(bytes: Buffer): boolean {
    this.#pieces.push(bytes);
    return this.takes(bytes);
  }

  flush(): void {
    this.flushes++;
    this.flushedBytes = this.bytes.length;
  }

  end(): void {
    this.ends++;
  }

  more(): void {
    this.asked++;
  }

  fail(fault: Fault): void {
    this.faults.push(fault);
  }

  /** The threads of the encoder take the time that they take. */
  async until(isSo: () => boolean): Promise<void> {
    await eventually(
      () => (isSo() ? true : undefined),
      () => `${isSo}: ${JSON.stringify(this)}`,
      20_000,
    );
  }
}
