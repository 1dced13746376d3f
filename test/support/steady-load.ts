import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { pause } from "./deadline.ts";
import { parseResponse } from "./whole-response.ts";

export interface LoadOptions {
  readonly port: number;
  readonly keepAlive: number; // connections that are kept and used again
  readonly fresh: number; // that are opened anew for each request
  readonly everyMs: number; // between two requests of one of them
}

/**
 * Requests at a steady rate, as clients send them: some over connections that are kept, some over a
 * new one each time. Whatever a client would notice is a failure: a connection refused or reset, an
 * answer that is not 200 or not whole, and a kept connection that is closed under a request.
 */
export class SteadyLoad {
  readonly failures: string[] = [];
  served = 0;
  reconnects = 0; // because a response said that the connection closes
  readonly #options: LoadOptions;
  readonly #running: Promise<void>[];
  #isOver = false;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#running = [
      ...Array.from({ length: options.keepAlive }, () => this.#kept()),
      ...Array.from({ length: options.fresh }, () => this.#anew()),
    ];
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#running);
  }

  /** Until so many more have been served, or something failed. */
  async untilServed(more: number): Promise<void> {
    const want = this.served + more;
    while (this.served < want && this.failures.length === 0) await pause(5);
  }

  async #kept(): Promise<void> {
    let socket: Socket | undefined;
    while (!this.#isOver) {
      // One that was closed while it was idle is no failure: no request was on it.
      if (socket === undefined || socket.destroyed || socket.readableEnded) {
        if (socket !== undefined) this.reconnects++;
        socket = await this.#connect();
        if (socket === undefined) return;
      }
      const keeps = await this.#request(socket, "keep-alive");
      if (!keeps) socket.destroy();
      await pause(this.#options.everyMs);
    }
    socket?.destroy();
  }

  async #anew(): Promise<void> {
    while (!this.#isOver) {
      const socket = await this.#connect();
      if (socket === undefined) return;
      await this.#request(socket, "close");
      socket.destroy();
      await pause(this.#options.everyMs);
    }
  }

  async #connect(): Promise<Socket | undefined> {
    const socket = connect({ port: this.#options.port, host: "127.0.0.1", noDelay: true });
    socket.on("error", () => {});
    socket.resume(); // so that its end is seen while nothing is asked
    try {
      await once(socket, "connect");
      return socket;
    } catch (error) {
      this.failures.push(`connect: ${(error as Error).message}`);
      return undefined;
    }
  }

  /** True if the connection may be used again. */
  async #request(socket: Socket, connection: string): Promise<boolean> {
    let text = "";
    const response = new Promise<{ readonly status: number; readonly closes: boolean } | string>(
      (resolve) => {
        socket.on("data", (bytes: Buffer) => {
          text += bytes.toString("latin1");
          const whole = parseResponse(text);
          if (whole !== undefined) resolve(whole);
        });
        socket.once("error", (error) => resolve(error.message));
        socket.once("close", () => resolve("closed"));
        socket.once("end", () => resolve("ended"));
      },
    );
    socket.write(`GET / HTTP/1.1\r\nhost: a.test\r\nconnection: ${connection}\r\n\r\n`);
    const answer = await response;
    for (const event of ["data", "close", "end"]) socket.removeAllListeners(event);
    socket.resume();
    if (typeof answer === "string") {
      this.failures.push(`${connection}: ${answer} after ${JSON.stringify(text)}`);
      return false;
    }
    if (answer.status !== 200) this.failures.push(`${connection}: ${answer.status}`);
    else this.served++;
    return !answer.closes;
  }
}
