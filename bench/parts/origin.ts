import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Child } from "../machine/child.ts";
import { freePort } from "../machine/free-port.ts";
import { findProgram, LOAD_CORE, nginxUserLine } from "../machine/place.ts";

/** What a proxy is expected to tell the origin. `/echo` answers with what arrived. */
export const FORWARDED_FIELDS = [
  "x-request-id",
  "via",
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
  "x-forwarded-port",
] as const;

const SMALL_BODY = JSON.stringify({
  id: 4711,
  name: "a small answer",
  tags: ["proxied", "measured"],
  stock: 12,
  price: 19.9,
  currency: "EUR",
});

const READY_MS = 10_000;

/** An nginx that answers at once: the cheapest origin there is, so that the proxy is what counts. */
export async function startOrigin(folder: string): Promise<Child> {
  const port = await freePort();
  const configPath = join(folder, "origin.conf");
  writeFileSync(join(folder, "10k"), "0123456789abcdef".repeat(640));
  writeFileSync(join(folder, "1m"), "0123456789abcdef".repeat(65_536));
  writeFileSync(join(folder, "10m"), "0123456789abcdef".repeat(655_360));
  writeFileSync(configPath, config(folder, port));
  const origin = new Child({
    name: "origin",
    command: [findProgram("nginx")!, "-p", folder, "-c", configPath],
    cores: String(LOAD_CORE),
    port,
    outputPath: join(folder, "origin.out"),
    errorPath: join(folder, "origin.err"),
  });
  await origin.ready(READY_MS);
  return origin;
}

/**
 * nginx answers `return` before it has read the body, which a proxy may take as a reason to stop
 * sending. So an upload is read whole first, as for a real application, and then answered from a
 * second server that never sees the body.
 */
function config(folder: string, port: number): string {
  const echo = FORWARDED_FIELDS.map((name) => `"${name}":"$http_${name.replaceAll("-", "_")}"`);
  return `
${nginxUserLine()} daemon off; worker_processes 1; worker_rlimit_nofile 16000;
pid ${folder}/origin.pid; error_log stderr warn;
events { worker_connections 12000; }
http {
  access_log off; sendfile on; tcp_nopush on; default_type application/octet-stream;
  keepalive_requests 100000000; keepalive_timeout 300s;
  client_max_body_size 16m; client_body_buffer_size 2m; client_body_temp_path ${folder}/origin-body;
  proxy_temp_path ${folder}/origin-proxy; fastcgi_temp_path ${folder}/origin-fastcgi;
  uwsgi_temp_path ${folder}/origin-uwsgi; scgi_temp_path ${folder}/origin-scgi;
  upstream answered { server unix:${folder}/answer.sock; keepalive 64; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port}; root ${folder};
    location / { default_type application/json; return 200 '${SMALL_BODY}'; }
    location = /echo { default_type application/json; return 200 '{${echo.join(",")}}'; }
    location = /10k { }
    location = /1m { open_file_cache max=4; }
    location = /10m { open_file_cache max=4; }
    location = /upload {
      proxy_pass http://answered; proxy_http_version 1.1; proxy_pass_request_body off;
      proxy_set_header Connection ""; proxy_set_header Content-Length "";
    }
  }
  server { listen unix:${folder}/answer.sock; location / { return 200 '{"stored":true}'; } }
}
`;
}
