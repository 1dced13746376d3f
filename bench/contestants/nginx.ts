import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram, nginxUserLine } from "../machine/place.ts";
import { accessLogPath, type Contestant, type Job, ROUTES_PER_SITE } from "./contestant.ts";

// One line per request, as every contestant with a log writes it.
const LOG_FIELDS = [
  ["time", "$time_iso8601"],
  ["id", "$request_id"],
  ["client", "$remote_addr"],
  ["method", "$request_method"],
  ["host", "$http_host"],
  ["target", "$request_uri"],
  ["protocol", "$server_protocol"],
  ["status", "$status"],
  ["bytesOut", "$bytes_sent"],
  ["durationS", "$request_time"],
  ["upstream", "$upstream_addr"],
  ["upstreamStatus", "$upstream_status"],
  ["upstreamS", "$upstream_response_time"],
  ["referer", "$http_referer"],
  ["agent", "$http_user_agent"],
];

// The sizes at which large bodies cost it least here; 32 KiB and 64 KiB gave nothing more.
const TUNED_BUFFERS = `client_body_buffer_size 128k;
  proxy_buffer_size 16k; proxy_buffers 8 16k; proxy_busy_buffers_size 64k;`;

/** The reference: every ratio is to an nginx that does the same job with one worker. */
export const nginx = nginxWith("nginx", TUNED_BUFFERS);

/** The same job from proxy_cache, whose files the system keeps in memory. */
export const nginxCached = nginxWith("nginx (cache)", TUNED_BUFFERS, true);

/**
 * It keeps what the origin has compressed, which costs it least: an nginx that compresses does so on
 * every hit.
 */
export const nginxCachedCoded: Contestant = {
  ...nginxCached,
  name: "nginx (cache of gzip)",
  launch: (job) => nginxCached.launch({ ...job, gzipLevel: 0, asksForCoded: true }),
};

/** As it comes from the package: buffers of a page, for which large bodies cost nearly double. */
export const nginxAsPackaged = nginxWith("nginx (default buffers)", "");

function nginxWith(name: string, buffers: string, isCached = false): Contestant {
  return {
    name,
    runsOnNode: false,
    missing: () => (findProgram("nginx") === undefined ? "not installed" : undefined),
    launch(job) {
      const path = join(job.folder, "nginx.conf");
      writeFileSync(path, config(job, isCached ? `${buffers}\n${cacheLines(job)}` : buffers));
      return { command: [findProgram("nginx")!, "-p", job.folder, "-c", path] };
    },
  };
}

function cacheLines({ folder }: Job): string {
  return `proxy_cache_path ${folder}/cache levels=1:2 keys_zone=bench:16m use_temp_path=off;
  proxy_cache bench; proxy_cache_valid 200 1h; proxy_cache_key $scheme$http_host$request_uri;
  add_header Age 1; add_header Cache-Status $upstream_cache_status;`;
}

/**
 * Bodies are streamed both ways, as the others do: no request is spooled before it is sent on, and
 * no response goes to disk. The limits on requests per connection are out of the way on both sides.
 */
function config(job: Job, buffers: string): string {
  const { folder, originPort, accessLog } = job;
  const fields = LOG_FIELDS.map(([name, value]) => `"${name}":"${value}"`).join(",");
  const log = accessLog ? `${accessLogPath(job)} line buffer=64k flush=1s` : "off";
  return `
${nginxUserLine()} daemon off; worker_processes 1; worker_rlimit_nofile 20000;
pid ${folder}/nginx.pid; error_log stderr warn;
events { worker_connections 19000; }
http {
  log_format line escape=json '{${fields}}';
  access_log ${log};
  keepalive_requests 100000000; keepalive_timeout 75s; client_max_body_size 0;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  server_names_hash_max_size 65536; server_names_hash_bucket_size 64;
  proxy_http_version 1.1; proxy_request_buffering off; proxy_max_temp_file_size 0;
  ${buffers}
  ${gzipOf(job)}
  proxy_set_header Host $http_host;
  proxy_set_header Connection "";
  proxy_set_header Via "1.1 nginx";
  proxy_set_header X-Request-Id $request_id;
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-Host $http_host;
  proxy_set_header X-Forwarded-Port $server_port;
  upstream origin {
    server 127.0.0.1:${originPort}; keepalive 128; keepalive_requests 100000000;
  }
  server { listen 127.0.0.1:${job.listenPort} default_server; location / { proxy_pass http://origin; }
    ${job.asksForCoded === true ? "location /json- { proxy_pass http://origin/coded/json-; }" : ""} }
  ${tlsServer(job)}
  ${serverBlocks(job)}
}
`;
}

function tlsServer({ tls }: Job): string {
  if (tls === undefined) return "";
  return `ssl_session_cache off;
  server {
    listen 127.0.0.1:${tls.port} ssl http2; http2_max_requests 100000000; http2_max_concurrent_streams 128;
    ssl_certificate ${tls.cert}; ssl_certificate_key ${tls.key}; ssl_protocols TLSv1.2 TLSv1.3;
    ssl_ecdh_curve X25519:prime256v1:secp384r1; ssl_prefer_server_ciphers off;
    location / { proxy_pass http://origin; }
  }`;
}

/** On 10 KiB its default buffers would make it write in pieces. */
function gzipOf({ gzipLevel }: Job): string {
  if (gzipLevel === 0) return "";
  return `gzip on; gzip_comp_level ${gzipLevel}; gzip_types application/json; gzip_min_length 1024;
  gzip_proxied any; gzip_vary on; gzip_buffers 32 16k;`;
}

function serverBlocks(job: Job): string {
  const locations = Array.from(
    { length: ROUTES_PER_SITE },
    (_, index) => `location /r${index}/ { proxy_pass http://origin; }`,
  ).join(" ");
  const block = (index: number) =>
    `server { listen 127.0.0.1:${job.listenPort}; server_name site${index}.bench.test; ${locations} }`;
  return Array.from({ length: job.sites }, (_, index) => block(index)).join("\n  ");
}
