import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { accessLogPath, type Contestant } from "./contestant.ts";

const PEERS = join(import.meta.dirname, "../node_modules");

/** What one writes in an afternoon with nothing but node:http. */
export const nodeHttp = nodeProgram("node-http", new URL("./node-http.ts", import.meta.url));

/** Libraries that people proxy with on Node. They have no access log, so none is written. */
export const httpProxy = nodeProgram(
  "http-proxy",
  new URL("./http-proxy.ts", import.meta.url),
  "http-proxy",
);
export const fastifyHttpProxy = nodeProgram(
  "fastify-http-proxy",
  new URL("./fastify-http-proxy.ts", import.meta.url),
  "@fastify/http-proxy",
);

function nodeProgram(name: string, program: URL, needs?: string): Contestant {
  return {
    name,
    runsOnNode: true,
    missing() {
      if (needs === undefined || existsSync(join(PEERS, needs))) return undefined;
      return "not installed: npm run bench -- --install-peers";
    },
    launch(job) {
      const ports = [String(job.listenPort), String(job.originPort)];
      const log = job.accessLog ? [accessLogPath(job)] : [];
      return {
        command: [process.execPath, ...job.nodeFlags, fileURLToPath(program), ...ports, ...log],
      };
    },
  };
}
