/**
 * Behavior tests as transcripts over real sockets. A scenario opens origins, a proxy and clients;
 * when it ends, everything is closed, and whatever the proxy left open fails the test.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "./client.ts";
import { eventually, within } from "./deadline.ts";
import { statusOf } from "./message.ts";
import { type Answer, Origin } from "./origin.ts";
import {
  type ProxyHere,
  type ProxyProcess,
  type StartedProxy,
  startProxy,
  startProxyHere,
  startProxyProcess,
} from "./proxy.ts";

interface ClientOptions {
  readonly responses?: number; // final ones to wait for, unless the connection ends before; 1
  readonly port?: number; // of another listener than the last proxy's
}

export class Scenario {
  readonly #origins: Origin[] = [];
  readonly #clients: Client[] = [];
  readonly #proxies: StartedProxy[] = [];
  readonly #closers: (() => unknown)[] = [];

  /** On another address of this machine (127.0.0.2 …) and a certain port, if one says so. */
  async origin(answer: Answer, host?: string, port?: number): Promise<Origin> {
    const origin = await Origin.open(answer, host, port);
    this.#origins.push(origin);
    return origin;
  }

  /** Sluice in this process. */
  async proxy(yaml: string): Promise<StartedProxy> {
    const proxy = await startProxy(yaml);
    this.#proxies.push(proxy);
    return proxy;
  }

  /** Sluice in this process, with what there is to it besides its config. */
  async proxyHere(yaml: string, start?: unknown): Promise<ProxyHere> {
    const proxy = await startProxyHere(yaml, start);
    this.#proxies.push(proxy);
    return proxy;
  }

  /** Sluice in a process of its own. */
  async process(yaml: string, flags: string[] = []): Promise<ProxyProcess> {
    const proxy = await startProxyProcess(yaml, flags);
    this.#proxies.push(proxy);
    return proxy;
  }

  /** A client for step-by-step talk with the last proxy. */
  async connect(port: number = this.#lastPort(), host?: string, from?: string): Promise<Client> {
    const client = await Client.connect(port, host, from);
    this.#clients.push(client);
    return client;
  }

  /** Sends these bytes and answers with all that came back: so many responses, or all to the end. */
  async client(bytes: string, options: ClientOptions = {}): Promise<string> {
    const client = await this.connect(options.port);
    client.send(bytes);
    const methods = bytes.match(/^[A-Z-]+(?= [^\r\n]+ HTTP\/1\.[01]\r\n)/gm) ?? [];
    for (let number = 0; number < (options.responses ?? 1); number++) {
      if (client.over && client.text === "") break;
      const response = await client.readResponse(methods[number] ?? "GET").catch((error: Error) => {
        if (client.over) return undefined; // cut: the test judges the bytes
        throw error;
      });
      if (response === undefined) break;
    }
    return client.text;
  }

  /** Something else to close at the end, after the proxy has stopped. */
  defer(close: () => unknown): void {
    this.#closers.push(close);
  }

  /** Stops everything in order and looks for what is left. */
  async end(): Promise<void> {
    const faults: string[] = [];
    for (const proxy of this.#proxies.toReversed()) {
      await within(proxy.stop(), () => "the proxy to stop", 15_000).catch((error: Error) =>
        faults.push(error.message),
      );
    }
    await this.#leftOpen().catch((error: Error) => faults.push(error.message));
    faults.push(...this.#origins.flatMap(oddities));
    for (const client of this.#clients) client.close();
    for (const origin of this.#origins) await origin.close();
    for (const close of this.#closers.reverse()) await close();
    assert.deepEqual(faults, []);
  }

  /** After the proxy has stopped, nobody must hold on to a socket of its. */
  async #leftOpen(): Promise<void> {
    if (this.#proxies.length === 0) return;
    // One that was told to be deaf must hear the end.
    for (const each of this.#origins.flatMap((origin) => origin.open)) each.socket.resume();
    const open = () =>
      this.#origins.flatMap((each) => each.open).filter((each) => !each.ended && !each.wasReset)
        .length + this.#clients.filter((each) => !each.over).length;
    await eventually(
      () => (open() === 0 ? true : undefined),
      () => `${open()} sockets still open after the proxy stopped`,
      2_000,
    );
  }

  #lastPort(): number {
    const proxy = this.#proxies.at(-1);
    assert.ok(proxy !== undefined, "a proxy before a client");
    return proxy.port;
  }
}

/** What the proxy must never do to an origin, whatever the test is about. */
function oddities(origin: Origin): string[] {
  return origin.connections.flatMap((connection) => {
    const told: string[] = [];
    if (connection.pipelined) told.push("a request was pipelined to the origin");
    if (connection.malformed !== undefined) told.push(`the origin got ${connection.malformed}`);
    return told;
  });
}

export function scenario(
  name: string,
  run: (it: Scenario) => Promise<void>,
  options: { readonly skip?: false | string; readonly timeoutMs?: number } = {},
): void {
  const { skip = false, timeoutMs = 30_000 } = options;
  test(name, { skip, timeout: timeoutMs }, async () => {
    const it = new Scenario();
    let failed = true;
    try {
      await run(it);
      failed = false;
    } finally {
      // The test's own failure says more than what it left behind.
      await it.end().catch((error: Error) => {
        if (!failed) throw error;
      });
    }
  });
}

/** The status of the first response in the bytes. */
export function firstStatus(answer: string): number {
  return statusOf(answer.slice(0, answer.indexOf("\r\n")));
}

/** More for a config, as pieces of YAML in flow style, without the braces. */
interface Extra {
  readonly top?: string;
  readonly upstream?: string;
  readonly site?: string;
  readonly route?: string;
}

/** The shortest config: everything goes to these endpoints, the first one first. */
export function forwardTo(urls: string | readonly string[], extra: Extra = {}): string {
  const app = [`endpoints: [${[urls].flat().join(", ")}]`, "balance: first", extra.upstream];
  const route = ["forward: app", extra.route];
  const site = ['hosts: ["*"]', `routes: [{ ${join(route)} }]`, extra.site];
  return `{ ${join([`upstreams: { app: { ${join(app)} } }`, `sites: [{ ${join(site)} }]`, extra.top])} }`;
}

function join(pieces: readonly (string | undefined)[]): string {
  return pieces.filter((piece) => piece !== undefined).join(", ");
}

export const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
/** The code in the access log's line of that number, "" if the exchange had no fault. */
export async function faultOf(proxy: StartedProxy, number = 1): Promise<string> {
  const lines = await proxy.accessLines(number);
  return String(lines[number - 1]!["fault"] ?? "");
}

export const GET = "GET / HTTP/1.1\r\nhost: a.test\r\n\r\n";
