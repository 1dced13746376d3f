import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answers } from "./nginx.ts";
import { part } from "./parts.ts";

export interface Haproxy extends AsyncDisposable {
  readonly port: number;
}

/** A real HAProxy. `sections` are those behind `defaults`; one of them binds the port. */
export async function startHaproxy(port: number, sections: string): Promise<Haproxy> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-haproxy-"));
  const file = join(folder, "haproxy.cfg");
  const head = "defaults\n timeout client 10s\n timeout server 10s\n timeout connect 3s\n";
  await writeFile(file, `${head}${sections}\n`);
  const child = spawn(part("haproxy")!, ["-f", file, "-db"], { stdio: "ignore" });
  await answers(port, child);
  return {
    port,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null) {
        child.kill("SIGTERM");
        await once(child, "exit");
      }
      await rm(folder, { recursive: true });
    },
  };
}
