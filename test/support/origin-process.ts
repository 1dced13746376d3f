import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { freePort } from "./free.ts";
import { answers } from "./nginx.ts";

const PROGRAM = `
const server = require("node:http").createServer((request, response) => response.end("ok"));
server.keepAliveTimeout = 60_000;
server.listen(Number(process.argv[1]), "127.0.0.1");
`;

/** An origin in a process of its own, which can be killed as a real one would be. */
export class OriginProcess implements AsyncDisposable {
  readonly port: number;
  #child: ChildProcess | undefined;

  static async start(): Promise<OriginProcess> {
    const origin = new OriginProcess(await freePort());
    await origin.start();
    return origin;
  }

  private constructor(port: number) {
    this.port = port;
    this.#child = undefined;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** On the same port as before. */
  async start(): Promise<void> {
    this.#child = spawn(process.execPath, ["-e", PROGRAM, String(this.port)], { stdio: "ignore" });
    await answers(this.port, this.#child);
  }

  /** SIGKILL: every connection is reset by the system. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
