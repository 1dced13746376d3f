import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { findProgram } from "../../machine/place.ts";
import { listedOrigins, type ResilientProxy, type Setting } from "./proxy.ts";

/** In master-worker mode, so that a reload hands the listening sockets over. */
export const haproxy: ResilientProxy = {
  name: "haproxy",
  parks: false,
  missing: () => (findProgram("haproxy") === undefined ? "not installed" : undefined),
  launch(setting) {
    write(setting);
    return [findProgram("haproxy")!, "-W", "-db", "-f", pathOf(setting)];
  },
  async reload(setting, pid) {
    write(setting);
    process.kill(pid, "SIGUSR2");
  },
  async drain(setting, place, isDrained) {
    await command(setting, `set server app/origin${place} state ${isDrained ? "drain" : "ready"}`);
  },
  /** The master runs its program anew on the same signal. */
  async upgrade(_setting, pid) {
    process.kill(pid, "SIGUSR2");
    return pid;
  },
};

function write(setting: Setting): void {
  writeFileSync(pathOf(setting), config(setting));
}

function pathOf({ folder }: Setting): string {
  return join(folder, "haproxy.cfg");
}

function command({ folder }: Setting, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(join(folder, "haproxy.sock"));
    socket.on("connect", () => socket.end(`${text}\n`));
    socket.on("data", (bytes) => {
      answer += bytes.toString();
    });
    socket.on("end", () => resolve(answer));
    socket.on("error", reject);
  });
}

function config(setting: Setting): string {
  const servers = listedOrigins(setting)
    .map(({ port, weight, place }) => {
      return `  server origin${place} 127.0.0.1:${port} weight ${weight} check inter 500ms fall 2 rise 2`;
    })
    .join("\n");
  return `
global
  maxconn 4000
  no strict-limits
  stats socket ${setting.folder}/haproxy.sock mode 600 level admin expose-fd listeners
defaults
  mode http
  timeout connect 1s
  timeout client 75s
  timeout server 1s
  timeout tunnel 600s
  timeout queue 5s
  http-reuse safe
  retries 3
  retry-on all-retryable-errors
  option redispatch 1
frontend measured
  bind 127.0.0.1:${setting.listenPort}
  http-request return status 204 if { path /version/${setting.version} }
  default_backend app
backend app
  balance leastconn
  option httpchk GET /healthz
  http-request disable-l7-retry if METH_POST
${servers}
`;
}
