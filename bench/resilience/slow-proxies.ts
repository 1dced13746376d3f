import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { nodeFlagsOf } from "../../tools/node-flags.ts";
import { findProgram, nginxUserLine } from "../machine/place.ts";

/** How a proxy is set against slow clients. */
export interface SlowSetting {
  readonly folder: string;
  readonly listenPort: number;
  readonly originPort: number;
  /** Connections that one address may have; 0: as many as it likes, so that the attack looks distributed. */
  readonly perClient: number;
}

export interface SlowProxy {
  readonly name: string;
  missing(): string | undefined;
  /** Writes the config; answers with the command that starts it. */
  launch(setting: SlowSetting): readonly string[];
}

const CONNECTIONS_MAX = 3_000; // fewer than the attack has
const REPOSITORY = join(import.meta.dirname, "../..");

const notInstalled = (program: string) =>
  findProgram(program) === undefined ? "not installed" : undefined;

const sluice: SlowProxy = {
  name: "sluice",
  missing: () => undefined,
  launch({ folder, listenPort, originPort, perClient }) {
    const path = join(folder, "sluice.yaml");
    const config = {
      workers: 1,
      admin: "off",
      log: { access: "off" },
      limits: {
        connectionsMax: CONNECTIONS_MAX,
        headerBytes: "16KiB", // as HAProxy has it; nginx takes lines of 8 KiB
        ...(perClient === 0 ? {} : { connectionsPerClient: perClient }),
      },
      timeouts: { requestHead: "10s", requestBody: "10s", write: "10s" },
      rates: { minimum: "500B/s", grace: "5s" },
      upstreams: { app: `http://127.0.0.1:${originPort}` },
      sites: [{ hosts: ["*"], listen: [`127.0.0.1:${listenPort}`], routes: [{ forward: "app" }] }],
    };
    writeFileSync(path, JSON.stringify(config, undefined, 2));
    const flags = nodeFlagsOf(REPOSITORY);
    return [process.execPath, ...flags, join(REPOSITORY, "src/main.ts"), "run", "-c", path];
  },
};

/** As nginx.com advises against slow clients: short timeouts, resets, limit_conn. */
const nginx: SlowProxy = {
  name: "nginx",
  missing: () => notInstalled("nginx"),
  launch({ folder, listenPort, originPort, perClient }) {
    const path = join(folder, "nginx.conf");
    const perAddress =
      perClient === 0 ? "" : `limit_conn by_address ${perClient}; limit_conn_status 429;`;
    writeFileSync(
      path,
      `
${nginxUserLine()} daemon off; worker_processes 1; worker_rlimit_nofile 20000;
pid ${folder}/nginx.pid; error_log ${folder}/error.log crit;
events { worker_connections ${CONNECTIONS_MAX + 200}; }
http {
  access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  client_header_timeout 10s; client_body_timeout 10s; send_timeout 10s; keepalive_timeout 75s;
  reset_timedout_connection on;
  limit_conn_zone $binary_remote_addr zone=by_address:10m;
  proxy_http_version 1.1;
  upstream app { server 127.0.0.1:${originPort}; keepalive 64; }
  server {
    listen 127.0.0.1:${listenPort} default_server;
    ${perAddress}
    location / { proxy_pass http://app; proxy_set_header Connection ""; }
  }
}
`,
    );
    return [findProgram("nginx")!, "-p", folder, "-c", path];
  },
};

/** As haproxy.com advises: http-request and client timeouts, the whole request awaited, conn_cur. */
const haproxy: SlowProxy = {
  name: "haproxy",
  missing: () => notInstalled("haproxy"),
  launch({ folder, listenPort, originPort, perClient }) {
    const path = join(folder, "haproxy.cfg");
    const perAddress =
      perClient === 0
        ? ""
        : `stick-table type ip size 100k expire 30s store conn_cur
  tcp-request connection track-sc0 src
  tcp-request connection reject if { sc0_conn_cur gt ${perClient} }`;
    writeFileSync(
      path,
      `
global
  maxconn ${CONNECTIONS_MAX}
  no strict-limits
defaults
  mode http
  timeout connect 3s
  timeout client 10s
  timeout server 60s
  timeout http-request 10s
  timeout http-keep-alive 75s
  option http-buffer-request
  http-reuse safe
frontend measured
  bind 127.0.0.1:${listenPort}
  ${perAddress}
  default_backend app
backend app
  server origin 127.0.0.1:${originPort}
`,
    );
    return [findProgram("haproxy")!, "-db", "-f", path];
  },
};

export const SLOW_PROXIES: readonly SlowProxy[] = [sluice, nginx, haproxy];
