import { parse } from "yaml";
import { startNginx } from "./nginx.ts";
import type { StartedProxy } from "./proxy.ts";

/**
 * nginx in place of Sluice, for the simplest config there is: one site that forwards to the first
 * upstream. With SLUICE_SCENARIO_PROXY=nginx the scenarios run against it, which shows whether a
 * failure is the product's or the test's own.
 */
export async function startNginxProxy(yaml: string): Promise<StartedProxy> {
  const config = parse(yaml) as { upstreams: Record<string, string | { endpoints: string[] }> };
  const [first] = Object.values(config.upstreams);
  const urls = typeof first === "string" ? [first] : first!.endpoints;
  const servers = urls.map((url) => `server ${url.replace("http://", "")};`);
  const nginx = await startNginx(
    `location / {
      proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host $http_host; proxy_request_buffering off; proxy_buffering off;
    }`,
    `upstream app { ${servers.join(" ")} keepalive 8; }`,
  );
  return {
    port: nginx.port,
    ports: [nginx.port],
    adminPort: 0,
    accessLines: () => Promise.reject(new Error("nginx has no such log")),
    metrics: () => Promise.reject(new Error("nginx has no such page")),
    stop: () => nginx[Symbol.asyncDispose]() as Promise<void>,
  };
}
