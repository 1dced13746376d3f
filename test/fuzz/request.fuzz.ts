/**
 * The same bytes to Sluice and to a server of node:http. Two readers that see different requests in
 * one stream are what smuggling needs, so whatever Sluice lets through must be what node:http sees.
 * That Sluice refuses more is wanted; what it refuses is counted by reason code.
 */
import { once } from "node:events";
import { createServer, METHODS, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { FAULTS } from "../../src/core/fault.ts";
import { Client } from "../support/client.ts";
import { BAD_REQUESTS, GOOD_REQUESTS } from "../support/corpus.ts";
import { type Message, readResponse, statusOf } from "../support/message.ts";
import { Origin } from "../support/origin.ts";
import { startProxy } from "../support/proxy.ts";
import { forwardTo, OK } from "../support/scenario.ts";
import type { FuzzRun, FuzzTarget } from "./target.ts";

interface Seen {
  readonly method: string;
  readonly target: string;
  readonly body: string;
}

/** Where Sluice may let through what node:http refuses, with the reason. */
const WANTED: readonly (readonly [why: string, holds: (input: string) => boolean])[] = [
  // node:http closes 16 KiB of head with 431; our limits are others (docs: limits).
  ["a head larger than node:http takes", (input) => input.length > 8 * 1024],
  // node:http ends the connection for good at an Expect of its own taste, with a 417.
  ["Expect", (input) => /expect/i.test(input)],
  // It emits 'upgrade' and stops reading HTTP; we take an unknown Upgrade off and go on.
  ["Upgrade", (input) => /upgrade/i.test(input)],
];

export const target: FuzzTarget = {
  about: "requests: nothing goes through that node:http reads differently",
  seeds: [...GOOD_REQUESTS, ...BAD_REQUESTS]
    .map((sample) => sample.bytes)
    .filter((bytes) => bytes.length < 2_000),
  async open() {
    return new RequestRun(await Origin.open(OK), await openOracle());
  },
};

class RequestRun implements FuzzRun {
  readonly #origin: Origin;
  readonly #oracle: Oracle;
  readonly #refusals = new Map<string, number>();
  readonly #proxy: ReturnType<typeof startProxy>;
  #passed = 0;

  constructor(origin: Origin, oracle: Oracle) {
    this.#origin = origin;
    this.#oracle = oracle;
    this.#proxy = startProxy(forwardTo(origin.url));
  }

  async judge(input: string): Promise<string | undefined> {
    const { port } = await this.#proxy;
    const first = this.#origin.received.length;
    const connections = this.#origin.connections.length;
    const answer = await exchange(port, input);
    const ours = this.#origin.received.slice(first).filter((each) => each.complete);
    const odd = this.#origin.connections
      .slice(Math.max(0, connections - 8))
      .find((each) => each.pipelined || each.malformed !== undefined);
    if (odd !== undefined) return `the origin got ${odd.malformed ?? "a pipelined request"}`;
    const replies = repliesIn(
      answer,
      ours.map((each) => each.method),
    );
    if (typeof replies === "string") return replies;
    this.#count(replies);
    if (ours.length === 0) return undefined;

    const theirs = await this.#oracle.read(input);
    return difference(ours, theirs, input);
  }

  summary(): string {
    const counts = [...this.#refusals].sort((a, b) => b[1] - a[1]);
    return `${this.#passed} passed on; refused: ${counts.map(([code, count]) => `${code} ${count}`).join(", ")}`;
  }

  async close(): Promise<void> {
    await (await this.#proxy).stop();
    await this.#origin.close();
    this.#oracle.close();
  }

  #count(replies: readonly Message[]): void {
    for (const reply of replies) {
      const status = statusOf(reply.startLine);
      if (status === 200) this.#passed++;
      if (status < 400) continue;
      const code = Object.keys(FAULTS).find((each) => reply.body.includes(each)) ?? `${status}`;
      this.#refusals.set(code, (this.#refusals.get(code) ?? 0) + 1);
    }
  }
}

/** Sends all of it and a FIN, and has all that comes back. */
async function exchange(port: number, input: string): Promise<string> {
  const client = await Client.connect(port);
  client.send(input);
  client.halfClose();
  await client.readToEnd();
  client.close();
  return client.text;
}

/** Everything that the proxy wrote must be whole responses, one for each request and one refusal. */
function repliesIn(answer: string, methods: readonly string[]): Message[] | string {
  const replies: Message[] = [];
  let at = 0;
  let number = 0;
  while (at < answer.length) {
    let reply: Message | undefined;
    try {
      reply = readResponse(answer, at, methods[number] ?? "GET", true);
    } catch (error) {
      return `wrote what is no response: ${(error as Error).message}`;
    }
    // A refused HEAD has no body, and which method it was is not ours to know here.
    if (reply === undefined) return replies;
    if (statusOf(reply.startLine) >= 200) number++;
    replies.push(reply);
    at = reply.end;
  }
  return replies;
}

function difference(ours: readonly Seen[], theirs: readonly Seen[], input: string) {
  if (WANTED.some(([, holds]) => holds(input))) return undefined;
  for (const [index, each] of ours.entries()) {
    const other = theirs[index];
    if (other === undefined) {
      // node:http knows a list of methods; RFC 9110 §9.1 lets a method be any token.
      if (!METHODS.includes(each.method)) return undefined;
      return `request ${index + 1} went through (${each.method} ${each.target}), node:http has none`;
    }
    if (each.method !== other.method) return `${each.method}, to node:http ${other.method}`;
    if (each.body !== other.body) {
      return `body ${JSON.stringify(each.body)}, to node:http ${JSON.stringify(other.body)}`;
    }
    const isPlain = /^\/[A-Za-z0-9]*$/.test(other.target);
    if (isPlain && each.target !== other.target) return `${each.target}, there ${other.target}`;
  }
  return undefined;
}

interface Oracle {
  read(input: string): Promise<Seen[]>;
  close(): void;
}

async function openOracle(): Promise<Oracle> {
  let seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    request.setEncoding("latin1").on("data", (text: string) => {
      body += text;
    });
    request.on("end", () => {
      seen.push({ method: request.method ?? "", target: request.url ?? "", body });
      response.end("ok");
    });
    request.on("error", () => {});
  }) as Server & { httpAllowHalfOpen: boolean };
  server.httpAllowHalfOpen = true; // or it drops what came right before the FIN
  server.on("connect", (_request, socket) => socket.destroy());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    async read(input) {
      seen = [];
      await exchange(port, input);
      return seen;
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
