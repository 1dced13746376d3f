/**
 * Sluice as the tests start it, from the text of a config: in this process through the embedding
 * face, or as `sluice run` in a process of its own. Everything that a test must not choose is set
 * here: ports, the admin address, where the access log goes.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { eventually, within } from "./deadline.ts";
import { freePort } from "./free.ts";
import { answers } from "./nginx.ts";
import { startNginxProxy } from "./nginx-proxy.ts";

/** A line of the access log, as documented in docs/access-log.md. */
export type AccessLine = Readonly<Record<string, unknown>>;

export interface StartedProxy {
  readonly port: number;
  readonly ports: readonly number[]; // of all listeners: those of sites first, then of streams
  readonly adminPort: number;
  /** The access log, once it has at least `count` lines. */
  accessLines(count: number): Promise<AccessLine[]>;
  /** The Prometheus page. */
  metrics(): Promise<string>;
  /** Drains, at most this long; resolves when nothing of it is left. */
  stop(deadlineMs?: number): Promise<void>;
}

/** In this process, and never nginx. */
export interface ProxyHere extends StartedProxy {
  /** Takes another config, whose listeners are the same unless it says otherwise. */
  reload(yaml: string): Promise<void>;
  /** What is left of its metrics page: the value of each series. */
  metric(series: string): Promise<number>;
  status(): Promise<Record<string, unknown>>;
}

export interface ProxyProcess extends StartedProxy {
  readonly configFile: string;
  readonly child: ChildProcess;
  readonly stderr: () => string;
  readonly exit: Promise<number | undefined>; // the exit code; undefined if a signal ended it
}

interface Folder {
  readonly accessFile: string;
  readonly adminPort: number;
  readonly path: string;
}

/** What src/index.ts and src/config/load.ts export, as far as tests need it. */
interface Running {
  readonly addresses: readonly { readonly port: number }[];
  readonly adminAddress: { readonly port: number } | undefined;
  stop(deadlineMs: number): Promise<void>;
  reload(loaded: unknown): Promise<void>;
}
interface Embedding {
  createProxy(config: unknown, start?: unknown): Promise<Running>;
}
interface Loading {
  loadText(text: string, name: string): unknown;
}

export async function startProxy(yaml: string): Promise<StartedProxy> {
  if (process.env["SLUICE_SCENARIO_PROXY"] === "nginx") return startNginxProxy(yaml);
  return startProxyHere(yaml);
}

/** `start`: what src/admin/running-proxy.ts takes besides the config. */
export async function startProxyHere(yaml: string, start?: unknown): Promise<ProxyHere> {
  const folder = await makeFolder(0);
  const embedding = await product<Embedding>("index.ts");
  const loading = await product<Loading>("config/load.ts");
  const load = (text: string) =>
    loading.loadText(complete(text, folder, "127.0.0.1:0"), "sluice.yaml");
  const running = await embedding.createProxy(await load(yaml), start);
  const reading = readers({ ...folder, adminPort: running.adminAddress?.port ?? 0 });
  let stopped = false;
  return {
    port: running.addresses[0]!.port,
    ports: running.addresses.map((address) => address.port),
    ...reading,
    reload: async (text) => running.reload(await load(text)),
    async metric(series) {
      const lines = (await reading.metrics()).split("\n");
      return Number(lines.find((line) => line.startsWith(`${series} `))?.slice(series.length + 1));
    },
    async status() {
      const answer = await fetch(`http://127.0.0.1:${reading.adminPort}/api/status`);
      return (await answer.json()) as Record<string, unknown>;
    },
    async stop(deadlineMs = 1_000) {
      if (stopped) return;
      stopped = true;
      await running.stop(deadlineMs);
      await rm(folder.path, { recursive: true });
    },
  };
}

export async function startProxyProcess(yaml: string, flags: string[] = []): Promise<ProxyProcess> {
  const folder = await makeFolder(await freePort());
  const port = await freePort();
  const file = join(folder.path, "sluice.yaml");
  await writeFile(file, complete(yaml, folder, `127.0.0.1:${port}`));
  const main = new URL("../../src/main.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, [...flags, main, "run", "-c", file], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const exit = once(child, "exit").then(([code]) => (code === null ? undefined : Number(code)));
  // The admin listener is opened last: with it all of the proxy is up.
  const last = parse(yaml).admin === undefined ? folder.adminPort : port;
  await answers(last, child).catch((error: Error) => {
    child.kill("SIGKILL");
    throw new Error(`${error.message}\n${stderr}`);
  });
  return {
    port,
    configFile: file,
    ports: [port],
    child,
    exit,
    stderr: () => stderr,
    ...readers(folder),
    async stop(deadlineMs = 10_000) {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
      await within(exit, () => `the end of the process; it said ${stderr}`, deadlineMs).catch(
        (error: Error) => {
          child.kill("SIGKILL");
          throw error;
        },
      );
      await rm(folder.path, { recursive: true, force: true });
    },
  };
}

async function makeFolder(adminPort: number): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), "sluice-test-"));
  return { path, accessFile: join(path, "access.log"), adminPort };
}

/** The config with what the test left out: where to listen, an admin port, an access log file. */
function complete(yaml: string, folder: Folder, listen: string): string {
  const config = parse(yaml) as Record<string, unknown> & {
    sites?: Record<string, unknown>[];
    streams?: Record<string, unknown>[];
  };
  for (const site of config.sites ?? []) site["listen"] ??= [listen];
  for (const stream of config.streams ?? []) stream["listen"] ??= [listen];
  config["admin"] ??= { listen: `127.0.0.1:${folder.adminPort}` };
  config["workers"] ??= 1; // quicker to start; several are for the tests of workers
  config["log"] ??= { access: folder.accessFile };
  const listeners = config["listeners"] as Record<string, unknown> | undefined;
  if (listeners?.["*"] !== undefined) {
    config["listeners"] = { [listen]: listeners["*"] };
  }
  return stringify(config);
}

function readers(folder: Folder): Pick<StartedProxy, "adminPort" | "accessLines" | "metrics"> {
  return {
    adminPort: folder.adminPort,
    accessLines: (count) => accessLines(folder.accessFile, count),
    async metrics() {
      return await (await fetch(`http://127.0.0.1:${folder.adminPort}/metrics`)).text();
    },
  };
}

async function accessLines(file: string, count: number): Promise<AccessLine[]> {
  let text = "";
  return eventually(
    async () => {
      text = await readFile(file, "utf8").catch(() => "");
      const lines = text.split("\n").slice(0, -1); // the last piece is not a whole line yet
      return lines.length < count ? undefined : lines.map((line) => JSON.parse(line) as AccessLine);
    },
    () => `${count} access log lines, but had ${text}`,
  );
}

function product<T>(file: string): Promise<T> {
  return import(new URL(`../../src/${file}`, import.meta.url).href) as Promise<T>;
}
