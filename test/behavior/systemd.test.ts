/** Under systemd: sockets that it has opened, what it is told, and the units that we ship. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { eventually } from "../support/deadline.ts";
import { part, skipWithout } from "../support/parts.ts";
import { firstStatus, GET, OK, type Scenario, scenario } from "../support/scenario.ts";

const MAIN = new URL("../../src/main.ts", import.meta.url).pathname;

interface Started {
  readonly pid: number;
  readonly stderr: () => string;
  readonly stop: () => Promise<number | null>;
}

/** As systemd does it: a socket at descriptor 3, and the process told that it is for it. */
async function activated(it: Scenario, config: object, env: Record<string, string> = {}) {
  const folder = await mkdtemp(join(tmpdir(), "sluice-systemd-"));
  it.defer(() => rm(folder, { recursive: true }));
  const file = join(folder, "sluice.json.yaml");
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const { _handle: handle } = server as unknown as { readonly _handle: { readonly fd: number } };
  const whole = {
    admin: "off",
    log: { access: "off" },
    ...config,
    sites: [{ hosts: ["*"], listen: [`127.0.0.1:${port}`], routes: [{ forward: "app" }] }],
  };
  await writeFile(file, JSON.stringify(whole));
  const command = `LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" "$1" run -c "$2"`;
  const child = spawn("/bin/sh", ["-c", command, process.execPath, MAIN, file], {
    stdio: ["ignore", "ignore", "pipe", handle.fd],
    env: { ...process.env, ...env },
  });
  server.close(); // it is the child's alone
  let stderr = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const exit = once(child, "exit");
  await eventually(
    () => (stderr.includes("listening on") ? true : undefined),
    () => `a start, but it said ${stderr}`,
    20_000,
  );
  const started: Started = {
    pid: child.pid!,
    stderr: () => stderr,
    async stop() {
      child.kill("SIGTERM");
      return (await exit)[0] as number | null;
    },
  };
  return { port, started };
}

scenario("systemd: a socket that it opened is served, with one thread", async (it) => {
  const origin = await it.origin(OK);

  const { port, started } = await activated(it, { workers: 4, upstreams: { app: origin.url } });
  const answer = await it.client(GET.replace("host", "connection: close\r\nhost"), { port });

  assert.equal(firstStatus(answer), 200);
  assert.equal(await started.stop(), 0);
});

// Datagram sockets of the unix kind are not to be had in Node.
const RECEIVER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
while True:
    print(s.recv(4096).decode().replace("\\n", " "), flush=True)
`;

scenario(
  "systemd: it is told when it serves, reloads, lives and stops",
  async (it) => {
    const folder = await mkdtemp(join(tmpdir(), "sluice-notify-"));
    it.defer(() => rm(folder, { recursive: true }));
    const socket = join(folder, "notify");
    const receiver = spawn(part("python3")!, ["-c", RECEIVER, socket]);
    it.defer(() => receiver.kill());
    let told = "";
    receiver.stdout.setEncoding("utf8").on("data", (text: string) => {
      told += text;
    });
    const hears = (what: RegExp) =>
      eventually(
        () => what.exec(told) ?? undefined,
        () => `${what}, but heard ${told}`,
        20_000,
      );
    await eventually(
      () => readFile(socket).catch(({ code }) => (code === "ENOENT" ? undefined : true)),
      () => "the receiver",
    );
    const origin = await it.origin(OK);

    const { started } = await activated(
      it,
      { upstreams: { app: origin.url } },
      { NOTIFY_SOCKET: socket, WATCHDOG_USEC: "1000000" },
    );
    await hears(new RegExp(`READY=1.*MAINPID=${started.pid}`));
    await hears(/WATCHDOG=1/);
    process.kill(started.pid, "SIGHUP");
    await hears(/RELOADING=1.*MONOTONIC_USEC=\d+[\s\S]*READY=1/);
    const code = await started.stop();
    await hears(/STOPPING=1/);

    assert.equal(code, 0);
  },
  { skip: skipWithout("systemd-notify") || skipWithout("python3"), timeoutMs: 60_000 },
);

scenario("systemd: where nobody can be told, it serves all the same", async (it) => {
  const origin = await it.origin(OK);

  const { port, started } = await activated(
    it,
    { upstreams: { app: origin.url } },
    { NOTIFY_SOCKET: "/nowhere/notify" },
  );

  assert.equal(firstStatus(await it.client(GET, { port })), 200);
  await started.stop();
});

scenario(
  "systemd: the units are right, and exposed to little",
  async () => {
    const folder = new URL("../../packaging/systemd/", import.meta.url).pathname;
    const analyze = (...args: string[]) => promisify(execFile)(part("systemd-analyze")!, args);
    const unit = join(folder, "sluice.service");

    const verified = await analyze("verify", unit, join(folder, "sluice.socket"));
    const security = await analyze("security", "--offline=true", "--threshold=25", unit);

    assert.equal(
      verified.stderr.replaceAll(/^.*(?:is not executable|Command .* not).*\n/gm, ""),
      "",
    );
    assert.match(security.stdout, /Overall exposure level/);
  },
  { skip: skipWithout("systemd-analyze") },
);
