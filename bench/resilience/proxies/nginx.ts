import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram, nginxUserLine } from "../../machine/place.ts";
import { processTree } from "../../machine/process-tree.ts";
import { listedOrigins, NotThere, pause, type ResilientProxy, type Setting } from "./proxy.ts";

const TAKEOVER_MS = 5_000;

/** Without the paid edition: passive health alone, and endpoints change by reload. */
export const nginx: ResilientProxy = {
  name: "nginx",
  parks: false,
  missing: () => (findProgram("nginx") === undefined ? "not installed" : undefined),
  launch(setting) {
    write(setting);
    return [findProgram("nginx")!, "-p", setting.folder, "-c", pathOf(setting)];
  },
  async reload(setting) {
    write(setting);
    process.kill(masterPid(setting), "SIGHUP");
  },
  async drain(setting) {
    write(setting);
    process.kill(masterPid(setting), "SIGHUP");
  },
  async upgrade(setting) {
    const oldPid = masterPid(setting);
    process.kill(oldPid, "SIGUSR2");
    const endMs = performance.now() + TAKEOVER_MS;
    while (!existsSync(`${pidPath(setting)}.oldbin`) || masterPid(setting) === oldPid) {
      if (performance.now() > endMs) throw new NotThere("no new master after SIGUSR2");
      await pause(20);
    }
    await pause(200); // its workers start
    process.kill(oldPid, "SIGWINCH");
    await pause(200);
    process.kill(oldPid, "SIGQUIT");
    return masterPid(setting);
  },
  async killWorker(setting) {
    const [worker] = processTree(masterPid(setting)).slice(1);
    if (worker === undefined) throw new NotThere("no worker to kill");
    process.kill(worker, "SIGKILL");
  },
};

function write(setting: Setting): void {
  writeFileSync(pathOf(setting), config(setting));
}

function pathOf({ folder }: Setting): string {
  return join(folder, "nginx.conf");
}

function pidPath({ folder }: Setting): string {
  return join(folder, "nginx.pid");
}

function masterPid(setting: Setting): number {
  return Number(readFileSync(pidPath(setting), "utf8"));
}

function config(setting: Setting): string {
  const { folder, drained, listenPort, version, workers } = setting;
  const servers = listedOrigins(setting)
    .map(({ port, weight, place }) => {
      return `server 127.0.0.1:${port} weight=${weight}${drained.has(place) ? " down" : ""};`;
    })
    .join(" ");
  return `
${nginxUserLine()} daemon off; worker_processes ${workers};
pid ${pidPath(setting)}; error_log ${folder}/error.log warn;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  proxy_http_version 1.1; proxy_connect_timeout 1s; proxy_read_timeout 1s;
  proxy_next_upstream error timeout invalid_header http_502 http_503;
  proxy_next_upstream_tries 3;
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  upstream app { ${servers} keepalive 64; }
  server {
    listen 127.0.0.1:${listenPort} default_server;
    location = /version/${version} { return 204; }
    location = /socket {
      proxy_pass http://app; proxy_read_timeout 600s;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
    }
    location / { proxy_pass http://app; proxy_set_header Connection ""; }
  }
}
`;
}
