import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Child } from "../machine/child.ts";
import { ask } from "../machine/first-answer.ts";
import { freePort } from "../machine/free-port.ts";
import { CONTESTANT_CORE } from "../machine/place.ts";
import type { LoadOrder, LoadReport } from "./load-program.ts";
import type { Mood } from "./origin-answer.ts";
import { pause, type ResilientProxy, type Setting } from "./proxies/proxy.ts";

const ORIGIN_COUNT = 3;
const READY_MS = 15_000;
const ORIGIN_PROGRAM = fileURLToPath(new URL("./origin-program.ts", import.meta.url));
const LOAD_PROGRAM = fileURLToPath(new URL("./load-program.ts", import.meta.url));

/** One origin, which comes back on the port that it had. */
export class OriginProcess {
  readonly port: number;
  #child: ChildProcess | undefined;

  constructor(port: number) {
    this.port = port;
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, [ORIGIN_PROGRAM, String(this.port)], { stdio: "ignore" });
    this.#child = child;
    while (!(await ask(this.port, "/-/mood/normal")).startsWith("HTTP/1.1 200 ")) {
      if (child.exitCode !== null) throw new Error(`an origin ended with ${child.exitCode}`);
      await pause(10);
    }
  }

  async mood(mood: Mood): Promise<void> {
    await ask(this.port, `/-/mood/${mood}`);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
  }
}

/** The client, in a process of its own. */
export class LoadProcess {
  readonly #child = fork(LOAD_PROGRAM, { stdio: ["ignore", "inherit", "inherit", "ipc"] });

  async obey(message: LoadOrder): Promise<LoadReport> {
    const answer = once(this.#child, "message");
    this.#child.send(message);
    const [report] = (await answer) as [LoadReport];
    return report;
  }

  end(): void {
    this.#child.kill("SIGKILL");
  }
}

/** Three origins, one proxy before them, and a client: what an event is driven on. */
export class Stage implements AsyncDisposable {
  readonly proxy: ResilientProxy;
  readonly origins: readonly OriginProcess[];
  readonly load: LoadProcess;
  readonly #child: Child;
  setting: Setting;
  pid: number;

  static async open(
    proxy: ResilientProxy,
    folder: string,
    wanted: Pick<Setting, "workers" | "parkMs">,
  ): Promise<Stage> {
    mkdirSync(folder, { recursive: true });
    const ports: number[] = [];
    while (ports.length < ORIGIN_COUNT + 2) ports.push(await freePort());
    const origins = ports.slice(2).map((port) => new OriginProcess(port));
    for (const origin of origins) await origin.start();
    const setting: Setting = {
      folder,
      listenPort: ports[0]!,
      adminPort: ports[1]!,
      originPorts: origins.map(({ port }) => port),
      weights: origins.map(() => 1),
      drained: new Set(),
      version: 0,
      ...wanted,
    };
    const child = new Child({
      name: proxy.name,
      command: proxy.launch(setting),
      cores: String(CONTESTANT_CORE),
      port: setting.listenPort,
      outputPath: join(folder, "output"),
      errorPath: join(folder, "errors"),
      ...(proxy.env === undefined ? {} : { env: proxy.env(setting) }),
    });
    const stage = new Stage(proxy, origins, child, setting);
    await ready(setting, child);
    return stage;
  }

  private constructor(
    proxy: ResilientProxy,
    origins: readonly OriginProcess[],
    child: Child,
    setting: Setting,
  ) {
    this.proxy = proxy;
    this.origins = origins;
    this.load = new LoadProcess();
    this.#child = child;
    this.setting = setting;
    this.pid = child.pid;
  }

  async reload(change: Partial<Setting>): Promise<void> {
    this.setting = { ...this.setting, ...change, version: this.setting.version + 1 };
    await this.proxy.reload(this.setting, this.pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.load.end();
    if (this.pid !== this.#child.pid) process.kill(this.pid, "SIGTERM");
    await this.#child.stop(1_000);
    for (const origin of this.origins) await origin.kill();
  }
}

/** All of the origins are known to it: with health checks that takes a moment. */
async function ready({ listenPort }: Setting, child: Child): Promise<void> {
  const endMs = performance.now() + READY_MS;
  for (let good = 0; good < 10; ) {
    good = (await answers(listenPort)) ? good + 1 : 0;
    if (child.hasEnded) throw new Error(`Cannot start ${child.name}: ${child.lastWords()}`);
    if (performance.now() > endMs) throw new Error(`${child.name} does not answer`);
    await pause(20);
  }
}

async function answers(port: number): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${port}/ready`).catch(() => undefined);
  await answer?.arrayBuffer();
  return answer?.status === 200;
}
