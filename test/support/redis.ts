import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free.ts";
import { answers } from "./nginx.ts";
import { part } from "./parts.ts";

/** A real Redis, which keeps nothing on disk. */
export class Redis implements AsyncDisposable {
  readonly port: number;
  readonly tlsPort: number; // 0 where it has none
  readonly socket: string;
  readonly #folder: string;
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;

  private constructor(port: number, tlsPort: number, folder: string, args: readonly string[]) {
    this.port = port;
    this.tlsPort = tlsPort;
    this.socket = join(folder, "redis.sock");
    this.#folder = folder;
    this.#args = args;
    this.#child = undefined;
  }

  static async start(args: readonly string[] = [], tls?: RedisTls): Promise<Redis> {
    const folder = await mkdtemp(join(tmpdir(), "sluice-redis-"));
    const tlsPort = tls === undefined ? 0 : await freePort();
    const secured = tls === undefined ? [] : tlsArgs(tlsPort, tls);
    const redis = new Redis(await freePort(), tlsPort, folder, [...args, ...secured]);
    await redis.again();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** From nothing: what was in it is lost. */
  async again(): Promise<void> {
    const basics = [
      ...["--port", `${this.port}`, "--bind", "127.0.0.1", "--unixsocket", this.socket],
      ...["--save", "", "--appendonly", "no", "--dir", this.#folder, "--daemonize", "no"],
    ];
    const child = spawn(part("redis-server")!, [...basics, ...this.#args], { stdio: "ignore" });
    this.#child = child;
    await answers(this.port, child);
  }

  async kill(): Promise<void> {
    const child = this.#child!;
    this.#child = undefined;
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  stall(): void {
    this.#child!.kill("SIGSTOP");
  }

  goOn(): void {
    this.#child!.kill("SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child !== undefined) await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

export interface RedisTls {
  readonly cert: string; // files
  readonly key: string;
}

function tlsArgs(port: number, { cert, key }: RedisTls): string[] {
  return [
    ...["--tls-port", `${port}`, "--tls-cert-file", cert, "--tls-key-file", key],
    ...["--tls-ca-cert-file", cert, "--tls-auth-clients", "no"],
  ];
}
