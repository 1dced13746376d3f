import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "../../machine/place.ts";
import { listedOrigins, type ResilientProxy, type Setting } from "./proxy.ts";

const RELOAD_MS = 20_000;

export const caddy: ResilientProxy = {
  name: "caddy",
  parks: true,
  missing: () => (findProgram("caddy") === undefined ? "not installed" : undefined),
  env: home,
  launch(setting) {
    write(setting);
    return [findProgram("caddy")!, "run", "--config", pathOf(setting), "--adapter", "caddyfile"];
  },
  async reload(setting) {
    write(setting);
    await takeNew(setting);
  },
  async drain(setting) {
    write(setting);
    await takeNew(setting);
  },
};

function home({ folder }: Setting): Readonly<Record<string, string>> {
  return { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
}

function takeNew(setting: Setting): Promise<void> {
  const admin = `127.0.0.1:${setting.adminPort}`;
  const args = [
    "reload",
    "--config",
    pathOf(setting),
    "--adapter",
    "caddyfile",
    "--address",
    admin,
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(findProgram("caddy")!, args, {
      stdio: "ignore",
      env: { ...process.env, ...home(setting) },
      timeout: RELOAD_MS,
    });
    child.once("error", reject);
    child.once("exit", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`caddy reload ended with ${code}`));
    });
  });
}

function write(setting: Setting): void {
  writeFileSync(pathOf(setting), config(setting));
}

function pathOf({ folder }: Setting): string {
  return join(folder, "Caddyfile");
}

/** It has no weights in this version: an origin is listed as often as it weighs. */
function config(setting: Setting): string {
  const origins = listedOrigins(setting)
    .filter(({ place }) => !setting.drained.has(place))
    .map(({ port }) => `127.0.0.1:${port}`);
  const tryMs = Math.max(3_000, setting.parkMs);
  return `
{
  admin 127.0.0.1:${setting.adminPort}
  auto_https off
  log {
    level ERROR
  }
}
http://:${setting.listenPort} {
  bind 127.0.0.1
  respond /version/${setting.version} 204
  reverse_proxy ${origins.join(" ")} {
    lb_policy least_conn
    lb_try_duration ${tryMs}ms
    lb_try_interval 50ms
    fail_duration 2s
    health_uri /healthz
    health_interval 500ms
    health_timeout 500ms
    transport http {
      dial_timeout 1s
      response_header_timeout 1s
      compression off
    }
  }
}
`;
}
