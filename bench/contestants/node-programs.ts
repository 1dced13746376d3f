import { existsSync } from "node:fs";
import { join } from "node:path";
import { accessLogPath, type Contestant } from "./contestant.ts";

const PEERS = join(import.meta.dirname, "../node_modules");

/** What one writes in an afternoon with nothing but node:http. */
export const nodeHttp = nodeProgram("node-http");

/** Libraries that people proxy with on Node. They have no access log, so none is written. */
export const httpProxy = nodeProgram("http-proxy", "http-proxy");
export const fastifyHttpProxy = nodeProgram("fastify-http-proxy", "@fastify/http-proxy");

function nodeProgram(name: string, needs?: string): Contestant {
  return {
    name,
    runsOnNode: true,
    missing() {
      if (needs === undefined || existsSync(join(PEERS, needs))) return undefined;
      return "not installed: npm run bench -- --install-peers";
    },
    launch(job) {
      const program = join(import.meta.dirname, `${name}.ts`);
      const ports = [String(job.listenPort), String(job.originPort)];
      const log = job.accessLog ? [accessLogPath(job)] : [];
      return { command: [process.execPath, ...job.nodeFlags, program, ...ports, ...log] };
    },
  };
}
