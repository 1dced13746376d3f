/**
 * `npm start`: two small origins, the real `sluice run` in front of them with
 * examples/quickstart/sluice.yaml, and what to try. Ctrl-C stops all of it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT } from "./command.ts";
import { nodeFlagsOf } from "./node-flags.ts";

const START_TIMEOUT_MS = 15_000;
const SAME_SIGNAL_MS = 1_000; // a terminal and npm both pass Ctrl-C on

async function main(): Promise<number> {
  const origins = [await startOrigin("one", 3001), await startOrigin("two", 3002)];
  const [one, two] = origins.map(portOf);
  const [port, adminPort] = [await freePort(8080), await freePort(2080)];
  const child = startProxy({
    ORIGIN_ONE_PORT: String(one),
    ORIGIN_TWO_PORT: String(two),
    PORT: String(port),
    ADMIN_PORT: String(adminPort),
  });
  passSignals(child);
  const exit = once(child, "exit");

  try {
    if (await answers(`http://127.0.0.1:${port}/hello`, child))
      console.log(invitation(port, adminPort));
    const [code, signal] = await exit;
    if (signal !== null) console.error(`sluice run was stopped by ${signal}`);
    return code ?? 1;
  } finally {
    for (const origin of origins) origin.close().closeAllConnections();
  }
}

/** Answers with its name and what reached it, which shows what the proxy adds and takes away. */
async function startOrigin(name: string, port: number): Promise<Server> {
  const server = createServer((request, response) => {
    const { method, url, headers } = request;
    response.setHeader("content-type", "application/json");
    response.end(`${JSON.stringify({ origin: name, method, url, headers }, undefined, 2)}\n`);
  });
  server.listen(await freePort(port), "127.0.0.1");
  await once(server, "listening");
  return server;
}

/** The port asked for, or another one if it is taken. */
async function freePort(wanted: number): Promise<number> {
  for (const port of [wanted, 0]) {
    const probe = createServer().listen(port, "127.0.0.1");
    const isBound = await once(probe, "listening").then(
      () => true,
      () => false,
    );
    if (!isBound) continue;
    const bound = portOf(probe);
    probe.close();
    await once(probe, "close");
    return bound;
  }
  throw new Error("Cannot find a free port on 127.0.0.1");
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port; // it listens on TCP
}

/** In a process group of its own: it gets one signal from us, and not a second one by Ctrl-C. */
function startProxy(env: Readonly<Record<string, string>>): ChildProcess {
  const config = `${ROOT}examples/quickstart/sluice.yaml`;
  const args = [...nodeFlagsOf(ROOT), `${ROOT}src/main.ts`, "run", "-c", config];
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ["ignore", "inherit", "inherit"],
    detached: true,
  });
  process.on("exit", () => child.kill("SIGKILL"));
  return child;
}

function passSignals(child: ChildProcess): void {
  let passedMs = Number.NEGATIVE_INFINITY;
  const pass = (): void => {
    if (performance.now() - passedMs < SAME_SIGNAL_MS) return;
    passedMs = performance.now();
    child.kill("SIGTERM");
  };
  process.on("SIGINT", pass);
  process.on("SIGTERM", pass);
  process.on("SIGHUP", pass); // the terminal was closed
}

async function answers(url: string, child: ChildProcess): Promise<boolean> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < deadline && child.exitCode === null && child.signalCode === null) {
    const answered = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (answered) return true;
    await sleep(50);
  }
  if (child.exitCode === null) {
    console.error(`sluice run did not answer on ${url} within ${START_TIMEOUT_MS / 1000} s`);
    child.kill("SIGTERM");
  }
  return false;
}

function invitation(port: number, adminPort: number): string {
  const site = `http://127.0.0.1:${port}`;
  const admin = `http://127.0.0.1:${adminPort}`;
  const tries: [command: string, shows: string][] = [
    [`curl -i ${site}/`, "an origin answers; again, and the other one does"],
    [`curl -i '${site}/api/users?id=7'`, "rewritten on its way: the origin sees /users"],
    [`curl -i ${site}/hello`, "the proxy answers by itself"],
    [`curl -i ${site}/old/page`, "a redirect"],
    [`curl -i --path-as-is ${site}/../etc`, "refused, with a reason code"],
    [`curl -i -H 'transfer-encoding: x' -d x ${site}/`, "refused as well"],
    [`curl ${admin}/metrics`, "what happened so far, for Prometheus"],
    [`curl ${admin}/api/status`, "listeners, endpoints, connections"],
  ];
  const width = Math.max(...tries.map(([command]) => command.length));
  return [
    `\nSluice is running examples/quickstart/sluice.yaml on ${site}`,
    "Try, in another terminal:\n",
    ...tries.map(([command, shows]) => `  ${command.padEnd(width)}  # ${shows}`),
    "\nEach request leaves one line of JSON below. Ctrl-C stops it.\n",
  ].join("\n");
}

process.exitCode = await main();
