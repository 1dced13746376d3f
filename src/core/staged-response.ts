import type { HeaderList } from "../protocol/http/header-list.ts";
import type { BodyStage, StageMaker } from "./body-stage.ts";
import type { Downstream } from "./downstream.ts";
import type { Fault } from "./fault.ts";
import { PassingDownstream } from "./passing-downstream.ts";

/** The client's side of an exchange whose response body goes through a stage. */
export class StagedResponse extends PassingDownstream {
  readonly #stage: BodyStage;
  #isOver: boolean;

  constructor(behind: Downstream, make: StageMaker) {
    super(behind);
    this.#isOver = false;
    this.#stage = make({
      write: (bytes) => this.#isOver || behind.write(bytes),
      get holdsBytes() {
        return behind.holdsBytes;
      },
      flush: () => {
        if (!this.#isOver) behind.flush();
      },
      end: (trailers) => {
        if (!this.#isOver) behind.end(trailers);
      },
      more: () => {
        if (!this.#isOver) this.side?.resume();
      },
      fail: (fault) => this.#fail(fault),
    });
  }

  override get holdsBytes(): boolean {
    return this.#stage.holdsBytes || this.behind.holdsBytes;
  }

  /** The stage may work on what it was given for as long as it likes. */
  override get copiesUpTo(): number {
    return 0;
  }

  override write(bytes: Buffer): boolean {
    return this.#isOver || this.#stage.write(bytes);
  }

  override flush(): void {
    if (!this.#isOver) this.#stage.flush();
  }

  override end(trailers: HeaderList | undefined): void {
    if (!this.#isOver) this.#stage.end(trailers);
  }

  override cut(fault: Fault): void {
    this.#stop();
    this.behind.cut(fault);
  }

  override resume(): void {
    if (!this.#isOver) this.#stage.resume();
  }

  override clientGone(fault: Fault): void {
    this.#stop();
    this.side?.clientGone(fault);
  }

  #fail(fault: Fault): void {
    if (this.#isOver) return;
    this.#stop();
    this.side?.clientGone(fault);
    this.behind.cut(fault);
  }

  #stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stage.stop();
  }
}
