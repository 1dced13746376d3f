import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram, nginxUserLine } from "../machine/place.ts";
import type { Contestant } from "./contestant.ts";

/** The same programs below HTTP: bytes of TCP, one endpoint, nobody writes a log. */
export const haproxyTcp: Contestant = {
  name: "haproxy (tcp)",
  runsOnNode: false,
  missing: () => (findProgram("haproxy") === undefined ? "not installed" : undefined),
  launch({ folder, listenPort, originPort }) {
    const path = join(folder, "haproxy.cfg");
    const config = `
global
  nbthread 1
  maxconn 12000
  no strict-limits
defaults
  mode tcp
  timeout connect 3s
  timeout client 600s
  timeout server 600s
listen measured
  bind 127.0.0.1:${listenPort}
  server origin 127.0.0.1:${originPort}
`;
    writeFileSync(path, config);
    return { command: [findProgram("haproxy")!, "-db", "-f", path] };
  },
};

// Debian has the module in a package of its own, libnginx-mod-stream.
const STREAM_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so";

export const nginxStream: Contestant = {
  name: "nginx (stream)",
  runsOnNode: false,
  missing: () => (existsSync(STREAM_MODULE) ? undefined : "libnginx-mod-stream is not installed"),
  launch({ folder, listenPort, originPort }) {
    const path = join(folder, "nginx.conf");
    const config = `
load_module ${STREAM_MODULE};
${nginxUserLine()} daemon off; worker_processes 1; worker_rlimit_nofile 20000;
pid ${folder}/nginx.pid; error_log stderr warn;
events { worker_connections 19000; }
stream {
  proxy_buffer_size 64k;
  server { listen 127.0.0.1:${listenPort}; proxy_pass 127.0.0.1:${originPort}; }
}
`;
    writeFileSync(path, config);
    return { command: [findProgram("nginx")!, "-p", folder, "-c", path] };
  },
};
