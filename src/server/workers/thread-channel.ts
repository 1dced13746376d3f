import { BroadcastChannel } from "node:worker_threads";
import type { Channel } from "../../core/machine.ts";

/** Between the threads of this process; keeps none of them alive. */
export class ThreadChannel implements Channel {
  onMessage: ((message: unknown) => void) | undefined;
  readonly #channel: BroadcastChannel;
  #isClosed: boolean;

  constructor(name: string) {
    this.onMessage = undefined;
    this.#channel = new BroadcastChannel(`sluice ${name}`);
    this.#isClosed = false;
    this.#channel.onmessage = (event: unknown) => {
      this.onMessage?.((event as { readonly data: unknown }).data);
    };
    this.#channel.unref();
  }

  post(message: unknown): void {
    if (!this.#isClosed) this.#channel.postMessage(message);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#channel.close();
  }
}
