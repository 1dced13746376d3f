/**
 * The same response bytes through Sluice and to http.request. What reaches Sluice's client whole
 * must be what node:http reads, too; that Sluice refuses more is wanted.
 */
import { request } from "node:http";
import { Client } from "../support/client.ts";
import { BAD_RESPONSES, GOOD_RESPONSES } from "../support/corpus.ts";
import { Origin } from "../support/origin.ts";
import { startProxy } from "../support/proxy.ts";
import { forwardTo } from "../support/scenario.ts";
import type { FuzzRun, FuzzTarget } from "./target.ts";

interface Read {
  readonly status: number;
  readonly body: string;
}

/** Where a response may go through that node:http refuses, with the reason. */
const WANTED: readonly (readonly [why: string, holds: (input: string) => boolean])[] = [
  ["a head larger than node:http takes", (input) => input.length > 8 * 1024],
  // It hands an upgrade to whoever asked for one, and fails if nobody did; so do we, with a 502.
  ["101", (input) => /HTTP\/1\.[01] 101/.test(input)],
];

const REFUSED = /response_|reset_before_head/; // the reason code in our own 502

export const target: FuzzTarget = {
  about: "responses: nothing goes through that node:http reads differently",
  seeds: [...GOOD_RESPONSES, ...BAD_RESPONSES]
    .map((sample) => sample.bytes)
    .filter((bytes) => bytes.length < 2_000),
  async open() {
    return new ResponseRun();
  },
};

class ResponseRun implements FuzzRun {
  #script = "";
  #passed = 0;
  #refused = 0;
  readonly #origin = Origin.open(() => this.#script);
  readonly #proxy = this.#origin.then((origin) => startProxy(forwardTo(origin.url)));

  async judge(input: string): Promise<string | undefined> {
    this.#script = `${input}<hang up>`;
    const ours = await this.#throughProxy();
    if (typeof ours === "string") return ours;
    if (ours === undefined || REFUSED.test(ours.body)) {
      this.#refused++;
      return undefined;
    }
    this.#passed++;
    const theirs = await direct((await this.#origin).port);
    if (WANTED.some(([, holds]) => holds(input))) return undefined;
    if (theirs === undefined) return `a whole ${ours.status} went through, node:http fails`;
    if (ours.status !== theirs.status) return `${ours.status}, to node:http ${theirs.status}`;
    if (ours.body === theirs.body) return undefined;
    return `body ${JSON.stringify(ours.body)}, to node:http ${JSON.stringify(theirs.body)}`;
  }

  summary(): string {
    return `${this.#passed} passed on, ${this.#refused} refused or cut`;
  }

  async close(): Promise<void> {
    await (await this.#proxy).stop();
    await (await this.#origin).close();
  }

  /** What a client gets whole; undefined if it is cut, a text if it is not HTTP. */
  async #throughProxy(): Promise<Read | string | undefined> {
    const client = await Client.connect((await this.#proxy).port);
    try {
      client.send("GET / HTTP/1.1\r\nhost: a.test\r\nconnection: close\r\n\r\n");
      await client.readToEnd();
      if (client.wasReset) return undefined;
      const { status, body, end } = await client.readResponse();
      return end === client.text.length ? { status, body } : "bytes behind the response";
    } catch (error) {
      const { message } = error as Error;
      return message.startsWith("ended inside") ? undefined : message;
    } finally {
      client.close();
    }
  }
}

function direct(port: number): Promise<Read | undefined> {
  return new Promise((resolve) => {
    const outgoing = request({
      port,
      host: "127.0.0.1",
      agent: false,
      headers: { host: "a.test" },
    });
    let isComplete = () => false;
    outgoing.on("response", (incoming) => {
      isComplete = () => incoming.complete;
      let body = "";
      incoming.setEncoding("latin1").on("data", (text: string) => {
        body += text;
      });
      incoming.on("error", () => resolve(undefined));
      incoming.on("close", () => resolve(undefined));
      incoming.on("end", () =>
        resolve(incoming.complete ? { status: incoming.statusCode ?? 0, body } : undefined),
      );
    });
    outgoing.on("upgrade", (_incoming, socket) => {
      socket.destroy();
      resolve(undefined);
    });
    // What is wrong behind a whole response is not the response's fault: its end is on its way.
    outgoing.on("error", () => (isComplete() ? undefined : resolve(undefined)));
    outgoing.end();
  });
}
