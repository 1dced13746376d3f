/** Endpoints that die, hang, reset or talk nonsense under load: no request that may be retried fails. */
import assert from "node:assert/strict";
import { Agent, request } from "node:http";
import { eventually } from "../support/deadline.ts";
import { startNginx } from "../support/nginx.ts";
import type { Origin } from "../support/origin.ts";
import { OriginProcess } from "../support/origin-process.ts";
import { skipWithout } from "../support/parts.ts";
import {
  faultOf,
  firstStatus,
  forwardTo,
  GET,
  OK,
  type Scenario,
  scenario,
} from "../support/scenario.ts";

const CLIENTS = 16;

/** Clients that ask one request after the other over kept connections; counts what comes back. */
class Load {
  readonly counts = new Map<string, number>();
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  readonly #clients: Promise<void>[];
  #isOver = false;

  constructor(port: number) {
    this.#clients = Array.from({ length: CLIENTS }, () => this.#client(port));
  }

  get served(): number {
    return this.counts.get("200") ?? 0;
  }

  /** What was not served, by status or error. */
  get failed(): Record<string, number> {
    return Object.fromEntries([...this.counts].filter(([what]) => what !== "200"));
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#clients);
    this.#agent.destroy();
  }

  async #client(port: number): Promise<void> {
    while (!this.#isOver) {
      const what = await this.#ask(port);
      this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
    }
  }

  #ask(port: number): Promise<string> {
    return new Promise((resolve) => {
      const asked = request({ port, host: "127.0.0.1", agent: this.#agent }, (response) => {
        response.on("error", (error) => resolve(error.message));
        response.on("end", () => resolve(String(response.statusCode)));
        response.resume();
      });
      asked.on("error", (error) => resolve(error.message));
      asked.end();
    });
  }
}

async function loaded(it: Scenario, yaml: string): Promise<Load> {
  const { port } = await it.proxy(yaml);
  const load = new Load(port);
  it.defer(() => load.end());
  return load;
}

async function servedMore(load: Load, count: number): Promise<void> {
  const wanted = load.served + count;
  await eventually(
    () => (load.served >= wanted ? true : undefined),
    () => `${wanted - load.served} more; failed: ${JSON.stringify(load.failed)}`,
    20_000,
  );
}

scenario(
  "kill -9 of one of three origins under load, and its return: nothing fails",
  async (it) => {
    const origins: OriginProcess[] = [];
    for (let count = 0; count < 3; count++) {
      const origin = await OriginProcess.start();
      it.defer(() => origin.kill());
      origins.push(origin);
    }
    const upstream =
      "balance: roundRobin, health: { active: { every: 200ms }, passive: { ejectFor: 200ms } }";
    const urls = origins.map(({ url }) => url);
    const load = await loaded(
      it,
      forwardTo(urls)
        .replace("balance: first", upstream)
        .replace("forward: app", "forward: app, retry: {}"),
    );

    for (const origin of origins) {
      await servedMore(load, 200);
      await origin.kill();
      await servedMore(load, 200);
      await origin.start();
      await servedMore(load, 200);
    }
    await load.end();

    assert.deepEqual(load.failed, {});
  },
  { timeoutMs: 90_000 },
);

// biome-ignore format: a table
const bad: [name: string, script: string, route: string][] = [
  ["hangs up",                 "<hang up>",                        "retry: {}"],
  ["resets",                   "<reset>",                          "retry: {}"],
  ["answers garbage",          "all is well\r\n\r\n",              "retry: {}"],
  ["breaks off in its head",   "HTTP/1.1 200 OK\r\nX-A<hang up>",  "retry: {}"],
  ["accepts and never answers", "<stall>",                       "retry: { perTry: 200ms }"],
  ["answers 503",              "HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n", "retry: { on: [503] }"],
];

for (const [name, script, route] of bad) {
  scenario(
    `one of three origins ${name}, under load: nothing fails, and it is asked no more`,
    async (it) => {
      const sick = await it.origin(script);
      const well: Origin[] = [await it.origin(OK), await it.origin(OK)];
      const urls = [sick, ...well].map(({ url }) => url);
      const budget = "budget: { min: 100 }"; // as many clients as there are may fail at once
      const text = forwardTo(urls, {
        route: route.replace("{", `{ ${budget},`).replace(", }", " }"),
      });
      const load = await loaded(it, text.replace("balance: first", "balance: roundRobin"));

      await servedMore(load, 300);
      await eventually(
        () => (sick.open.length === 0 || sick.received.length >= 5 ? true : undefined),
        () => `${sick.received.length} requests on the sick one`,
      );
      const before = sick.received.length;
      await servedMore(load, 300);
      await load.end();

      assert.deepEqual(load.failed, {});
      assert.equal(sick.received.length, before);
    },
  );
}

scenario(
  "an origin that stalls in its body costs what it had begun, with the right code",
  async (it) => {
    const sick = await it.origin("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf<stall>");
    const well = await it.origin(OK);
    const proxy = await it.proxy(
      forwardTo([sick.url, well.url], {
        route: "retry: {}, timeouts: { responseBody: 200ms }",
        upstream: "health: { passive: { failures: 2 } }",
      }),
    );

    for (let count = 0; count < 2; count++) {
      const answer = await it.client(GET);
      assert.ok(answer.endsWith("half"), answer);
    }
    assert.equal(await faultOf(proxy), "response_body_timeout");

    assert.equal(firstStatus(await it.client(GET)), 200);
    assert.equal(well.received.length, 1);
    assert.match(await proxy.metrics(), /sluice_upstream_ejections_total\{[^}]*\} 1/);
  },
);

scenario(
  "nginx that says it is not well gets no requests, and gets them again when it is",
  async (it) => {
    const nginx = await startNginx(
      `root html; location /healthz { if (-f $document_root/well) { return 200 "well"; } return 503; } location / { return 200 "nginx"; }`,
    );
    it.defer(() => nginx[Symbol.asyncDispose]());
    const spare = await it.origin("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nspare");
    const upstream = "health: { active: { path: /healthz, every: 100ms, up: 1, down: 1 } }";
    const origins = [nginx.url, `{ url: ${spare.url}, backup: true }`];
    const { mkdir, rm, writeFile } = await import("node:fs/promises");
    await mkdir(`${nginx.folder}/html`, { recursive: true });
    const proxy = await it.proxy(forwardTo(origins, { upstream: `${upstream}` }));
    const comesFrom = async (whom: string) => {
      await eventually(
        async () => ((await it.client(GET)).endsWith(whom) ? true : undefined),
        () => `an answer from ${whom}`,
      );
    };

    await writeFile(`${nginx.folder}/html/well`, "");
    await comesFrom("nginx");
    await rm(`${nginx.folder}/html/well`);
    await comesFrom("spare");
    await writeFile(`${nginx.folder}/html/well`, "");
    await comesFrom("nginx");

    assert.match(await proxy.metrics(), /sluice_health_checks_total\{[^}]*result="failed"\} [1-9]/);
  },
  { skip: skipWithout("nginx") },
);
