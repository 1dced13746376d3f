import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "../machine/place.ts";
import { accessLogPath, type Contestant, type Job } from "./contestant.ts";

/** Its JSON access log has its own fields, all request header fields among them. */
export const caddy: Contestant = {
  name: "caddy",
  runsOnNode: false,
  missing: () => (findProgram("caddy") === undefined ? "not installed" : undefined),
  launch(job) {
    const path = join(job.folder, "Caddyfile");
    writeFileSync(path, config(job));
    const command = [findProgram("caddy")!, "run", "--config", path, "--adapter", "caddyfile"];
    const home = { HOME: job.folder, XDG_DATA_HOME: job.folder, XDG_CONFIG_HOME: job.folder };
    return { command, env: { ...home, GOMAXPROCS: "1" } };
  },
};

function config(job: Job): string {
  const log = `log {
    output file ${accessLogPath(job)} {
      roll_disabled
    }
    format json
  }`;
  return `
{
  admin off
  auto_https off
  log {
    level ERROR
  }
}
http://:${job.listenPort} {
  bind 127.0.0.1
  ${job.accessLog ? log : ""}
  reverse_proxy 127.0.0.1:${job.originPort} {
    header_up Via "1.1 caddy"
    header_up X-Request-Id {http.request.uuid}
    header_up X-Forwarded-Port ${job.listenPort}
    transport http {
      keepalive_idle_conns_per_host 128
      compression off
    }
  }
}
`;
}
