import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free.ts";
import { answers } from "./nginx.ts";
import { part } from "./parts.ts";

export interface Knot extends AsyncDisposable {
  readonly address: string; // "127.0.0.1:5353"
  readonly secret: string; // of the key "sluice", hmac-sha256, in base64
}

/** A real name server with these zones, each the lines of its file; updates are taken with the key. */
export async function startKnot(zones: Readonly<Record<string, string>>): Promise<Knot> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-knot-"));
  const port = await freePort();
  const secret = randomBytes(32).toString("base64");
  for (const [name, lines] of Object.entries(zones)) {
    const text = `$ORIGIN ${name}.\n$TTL 5\n@ SOA ns admin 1 60 60 60 5\n@ NS ns\nns A 127.0.0.1\n${lines}\n`;
    await writeFile(join(folder, `${name}.zone`), text);
  }
  const file = join(folder, "knot.conf");
  await writeFile(file, configText(folder, port, secret, Object.keys(zones)));
  const child = spawn(part("knotd")!, ["-c", file], { stdio: "ignore" });
  await answers(port, child);
  return {
    address: `127.0.0.1:${port}`,
    secret,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null) {
        child.kill("SIGTERM");
        await once(child, "exit");
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function configText(folder: string, port: number, secret: string, zones: string[]): string {
  const each = zones.map(
    (name) => `
  - domain: ${name}
    file: ${folder}/${name}.zone
    acl: updates`,
  );
  return `
server:
    rundir: ${folder}
    listen: 127.0.0.1@${port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: ${folder}
control:
    listen: ${folder}/knot.sock
key:
  - id: sluice
    algorithm: hmac-sha256
    secret: ${secret}
acl:
  - id: updates
    key: sluice
    action: update
zone:${each.join("")}
`;
}
