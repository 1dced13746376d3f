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
  writeFileSync(join(folder, "json-10k"), jsonOf(10 * 1024));
  writeFileSync(join(folder, "json-100k"), jsonOf(100 * 1024));
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

/** Records as an API lists them, alike but not the same: it compresses to a sixth. */
function jsonOf(bytes: number): string {
  let text = "[";
  let chance = 12_345;
  for (let id = 0; text.length < bytes; id++) {
    chance = (Math.imul(chance, 1_103_515_245) + 12_345) & 0x7fffffff;
    const name = `user ${chance % 9973}`;
    const email = `u${chance % 7919}@example.com`;
    const tags = [`a${chance % 17}`, `b${chance % 31}`];
    text += `${JSON.stringify({ id, name, email, active: chance % 2 === 0, score: (chance % 1000) / 10, tags })},`;
  }
  return `${text.slice(0, bytes - 1)}]`;
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
    location ~ ^/json- { default_type application/json; open_file_cache max=4; }
    location /coded/ {
      alias ${folder}/; default_type application/json; open_file_cache max=4;
      gzip on; gzip_proxied any; gzip_types application/json; gzip_comp_level 5; gzip_vary on;
    }
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
