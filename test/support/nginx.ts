import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "./deadline.ts";
import { freePort } from "./free.ts";
import { part } from "./parts.ts";

export interface Nginx extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly folder: string; // its prefix: files under html/ are served by `root html;`
}

/** A real nginx, alone in a folder of its own. `server` is the inside of its server block. */
export async function startNginx(server: string, http = "", listen = ""): Promise<Nginx> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-nginx-"));
  const port = await freePort();
  const file = join(folder, "nginx.conf");
  await writeFile(file, configText(folder, `${port}${listen}`, server, http));
  const args = ["-p", folder, "-c", file, "-e", join(folder, "error.log")];
  const child = spawn(part("nginx")!, args, { stdio: "ignore" });
  await answers(port, child);
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    folder,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null) {
        child.kill("SIGTERM");
        await once(child, "exit");
      }
      await rm(folder, { recursive: true });
    },
  };
}

/** Once something accepts on the port. Throws if the process that should do so is gone. */
export async function answers(port: number, child: ChildProcess): Promise<void> {
  await eventually(
    async () => {
      if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode} before listening`);
      const socket = connect(port, "127.0.0.1");
      const open = await new Promise<boolean>((resolve) => {
        socket.once("connect", () => resolve(true));
        socket.once("error", () => resolve(false));
      });
      socket.destroy();
      return open ? true : undefined;
    },
    () => `a listener on port ${port}`,
    15_000,
  );
}

function configText(folder: string, port: string, server: string, http: string): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `
    daemon off; master_process off; pid ${folder}/pid;
    events { worker_connections 512; }
    http {
      access_log off; default_type application/octet-stream;
      ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(" ")}
      ${http}
      server { listen 127.0.0.1:${port}; ${server} }
    }`;
}
