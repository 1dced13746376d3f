import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { eventually } from "./deadline.ts";

export interface Blackhole extends AsyncDisposable {
  readonly url: string;
}

const LISTENER = `
  const server = require("node:net").createServer();
  server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => console.log(server.address().port));
`;

/**
 * An address where connecting neither succeeds nor fails: a stopped process with a full backlog, so
 * that the system drops the SYN.
 */
export async function blackhole(): Promise<Blackhole> {
  const child = spawn(process.execPath, ["-e", LISTENER], { stdio: ["ignore", "pipe", "ignore"] });
  const [line] = await once(child.stdout!, "data");
  const port = Number(String(line));
  child.kill("SIGSTOP");
  const fillers: Socket[] = [];
  await eventually(
    async () => ((await isFull(port, fillers)) ? true : undefined),
    () => "a full backlog",
  );
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const each of fillers) each.destroy();
      await end(child);
    },
  };
}

/** Tries one connection more; true if it gets no answer. */
async function isFull(port: number, fillers: Socket[]): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  fillers.push(socket);
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(true), 100);
    socket.once("connect", () => {
      clearTimeout(timer);
      resolve(false);
    });
  });
}

async function end(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}
