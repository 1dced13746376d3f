import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "../machine/place.ts";
import type { Contestant, Job } from "./contestant.ts";

const LOG_FIELDS = [
  ["time", "%trl"],
  ["id", "%ID"],
  ["client", "%ci"],
  ["method", "%HM"],
  ["host", "%[capture.req.hdr(0),json(utf8s)]"],
  ["target", "%[capture.req.uri,json(utf8s)]"],
  ["protocol", "%HV"],
  ["status", "%ST"],
  ["bytesOut", "%B"],
  ["durationMs", "%Ta"],
  ["upstream", "%si:%sp"],
  ["upstreamMs", "%Tr"],
  ["referer", "%[capture.req.hdr(1),json(utf8s)]"],
  ["agent", "%[capture.req.hdr(2),json(utf8s)]"],
];

export const haproxy: Contestant = {
  name: "haproxy",
  runsOnNode: false,
  missing: () => (findProgram("haproxy") === undefined ? "not installed" : undefined),
  launch(job) {
    const path = join(job.folder, "haproxy.cfg");
    writeFileSync(path, config(job));
    return { command: [findProgram("haproxy")!, "-db", "-f", path], logToOutput: true };
  },
};

/**
 * It writes each log line at once, which is its only way to a file; the larger descriptor limit
 * that it would like for this many connections is not needed when most of them are idle.
 */
function config({ listenPort, originPort, accessLog }: Job): string {
  const fields = LOG_FIELDS.map(([name, value]) => `"${name}":"${value}"`).join(",");
  const log = `
  log global
  capture request header Host len 128
  capture request header Referer len 256
  capture request header User-Agent len 256
  log-format '{${fields}}'`;
  return `
global
  nbthread 1
  maxconn 12000
  no strict-limits
  ${accessLog ? "log stdout len 2048 format raw local0" : ""}
defaults
  mode http
  timeout connect 3s
  timeout client 75s
  timeout server 60s
  http-reuse always
  unique-id-format %[uuid]
frontend measured
  bind 127.0.0.1:${listenPort}${accessLog ? log : ""}
  unique-id-header X-Request-Id
  http-request set-header Via "1.1 haproxy"
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Forwarded-Port %[dst_port]
  default_backend origin
backend origin
  server origin 127.0.0.1:${originPort} pool-max-conn 256
`;
}
