import { once } from "node:events";
import { connect as connectSocket, type Socket } from "node:net";
import { within } from "./deadline.ts";
import { type Message, readResponse, statusOf } from "./message.ts";

export interface Response extends Message {
  readonly status: number;
}

/** A client of raw bytes: says what the test tells it to and keeps all that comes back. */
export class Client {
  readonly socket: Socket;
  text = ""; // everything that came back, latin1
  ended = false; // the peer sent FIN
  wasReset = false; // the peer sent RST
  readonly closed: Promise<void>;
  #read = 0;
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.once("close", () => resolve()));
    socket.on("data", (bytes) => {
      this.text += bytes.toString("latin1");
      this.#wake();
    });
    socket.on("end", () => {
      this.ended = true;
      this.#wake();
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNRESET") this.wasReset = true;
      this.#wake();
    });
    socket.on("close", () => this.#wake());
  }

  /** `from`: another address of this machine, 127.0.0.2 …; another client to who counts them. */
  static async connect(port: number, host = "127.0.0.1", from?: string): Promise<Client> {
    const own = from === undefined ? {} : { localAddress: from };
    const socket = connectSocket({ port, host, ...own, allowHalfOpen: true, noDelay: true });
    await once(socket, "connect");
    return new Client(socket);
  }

  /** True once nothing more can come. */
  get over(): boolean {
    return this.ended || this.wasReset || this.socket.destroyed;
  }

  send(bytes: string | Uint8Array): void {
    if (typeof bytes === "string") this.socket.write(bytes, "latin1");
    else this.socket.write(bytes);
  }

  /** Sends, and comes back when the system has the bytes. */
  async sent(bytes: string | Uint8Array): Promise<void> {
    const buffer = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes;
    await new Promise<void>((resolve) => this.socket.write(buffer, () => resolve()));
  }

  halfClose(): void {
    this.socket.end();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  close(): void {
    this.socket.destroy();
  }

  /** Everything, once `text` holds the wanted piece or the connection is over. */
  async readUntil(wanted: string | RegExp): Promise<string> {
    const has = () =>
      typeof wanted === "string" ? this.text.includes(wanted) : wanted.test(this.text);
    await this.#until(() => has() || this.over, `${wanted}`);
    return this.text;
  }

  /** The next message, interim ones too. Throws if the connection ends before it is whole. */
  async readMessage(method = "GET"): Promise<Response> {
    let message: Message | undefined;
    await this.#until(() => {
      message = readResponse(this.text, this.#read, method, this.ended);
      return message !== undefined || this.over;
    }, "a response");
    if (message === undefined) {
      throw new Error(`ended inside a response: ${JSON.stringify(this.text.slice(this.#read))}`);
    }
    this.#read = message.end;
    return { ...message, status: statusOf(message.startLine) };
  }

  /** The next final response; interim ones before it are passed over. */
  async readResponse(method = "GET"): Promise<Response> {
    for (;;) {
      const response = await this.readMessage(method);
      if (response.status >= 200 || response.status === 101) return response;
    }
  }

  /** Everything, once the peer has closed or reset. */
  async readToEnd(patienceMs?: number): Promise<string> {
    await this.#until(() => this.over, "the end of the connection", patienceMs);
    return this.text;
  }

  async #until(done: () => boolean, what: string, patienceMs?: number): Promise<void> {
    while (!done()) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await within(woken, () => `${what}, but had ${JSON.stringify(tail(this.text))}`, patienceMs);
    }
  }
}

function tail(text: string): string {
  return text.length <= 400 ? text : `…${text.slice(-400)}`;
}
