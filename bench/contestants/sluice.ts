import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { nodeFlagsOf } from "../../tools/node-flags.ts";
import {
  accessLogPath,
  type Contestant,
  type Job,
  type JobTls,
  ROUTES_PER_SITE,
} from "./contestant.ts";

const REPOSITORY = join(import.meta.dirname, "../..");
const SOURCE = "src/main.ts";
const BUILT = "dist/main.js";

/** What is measured is what is published, so the build is made anew before anything is. */
export function buildSluice(otherRoots: readonly string[]): void {
  for (const root of [REPOSITORY, ...otherRoots]) {
    execFileSync(process.execPath, [join(root, "tools/build.ts")], { cwd: root, stdio: "ignore" });
  }
}

function entryOf(root: string): string {
  const built = join(root, BUILT);
  return existsSync(built) ? built : join(root, SOURCE);
}

/** This checkout, or another one, on a config of the caller's. */
export function sluiceCommand(configPath: string, root = REPOSITORY): readonly string[] {
  return runCommand(root, [], configPath);
}

/** The one place that knows how Sluice is started. */
function runCommand(root: string, nodeFlags: readonly string[], configPath: string): string[] {
  // A flag that is given twice counts as given last.
  const flags = [...nodeFlagsOf(root), ...nodeFlags];
  return [process.execPath, ...flags, entryOf(root), "run", "-c", configPath];
}

export interface SluiceContestant extends Contestant {
  readonly root: string; // of the checkout
}

/** The checkout this benchmark lies in, or another one to compare it with. */
export function sluice(otherRoot?: string): SluiceContestant {
  const root = otherRoot ?? REPOSITORY;
  return {
    root,
    name: otherRoot === undefined ? "sluice" : `sluice@${basename(otherRoot)}`,
    runsOnNode: true,
    missing: () => (existsSync(join(root, SOURCE)) ? undefined : `no ${SOURCE} in the checkout`),
    launch(job) {
      const configPath = job.sites === 0 ? writeYaml(job) : writeModule(job);
      return { command: runCommand(root, job.nodeFlags, configPath) };
    },
  };
}

/** The same checkout with a cache on its route. */
export function sluiceCached({ name, runsOnNode, missing, root }: SluiceContestant): Contestant {
  return {
    name: `${name} (cache)`,
    runsOnNode,
    missing,
    launch(job) {
      const path = join(job.folder, "sluice.yaml");
      const cached = { forward: "origin", cache: { default: "1h", ignoreCookies: true } };
      const route = job.gzipLevel === 0 ? cached : { ...cached, compress: compressOf(job) };
      const sites = [{ hosts: ["*"], listen: [listenAddress(job)], routes: [route] }];
      writeFileSync(path, JSON.stringify({ ...processSettings(job), sites }, undefined, 2));
      return { command: runCommand(root, job.nodeFlags, path) };
    },
  };
}

/** So many pass before the rest is refused: whoever starts it wants to see that it answers. */
const PASSED_FIRST = 100;

/** The same checkout, which refuses all but the first: with 429, or with 403 for who is banned. */
export function sluiceRefusing(
  { name, runsOnNode, missing, root }: SluiceContestant,
  status: 429 | 403,
): Contestant {
  return {
    name: `${name} (${status})`,
    runsOnNode,
    missing,
    launch(job) {
      const path = join(job.folder, "sluice.yaml");
      const rateLimit = { rate: "1/h", burst: PASSED_FIRST };
      const routes = [{ rateLimit, forward: "origin" }];
      const sites = [{ hosts: ["*"], listen: [listenAddress(job)], routes }];
      const scores = { rate_limited: 1 };
      const bans = { exempt: [], threshold: 1, scores, ban: "1d", refuses: "requests" };
      const config = { ...processSettings(job), ...(status === 403 && { bans }), sites };
      writeFileSync(path, JSON.stringify(config, undefined, 2));
      return { command: runCommand(root, job.nodeFlags, path) };
    },
  };
}

/** The same checkout as a TCP proxy. */
export function sluiceStream({ name, runsOnNode, missing, root }: SluiceContestant): Contestant {
  return {
    name: `${name} (stream)`,
    runsOnNode,
    missing,
    launch(job) {
      const path = join(job.folder, "sluice.yaml");
      const upstreams = { origin: `127.0.0.1:${job.originPort}` };
      const streams = [{ listen: listenAddress(job), forward: "origin" }];
      const config = { ...processSettings(job), upstreams, streams };
      writeFileSync(path, JSON.stringify(config, undefined, 2));
      return { command: runCommand(root, job.nodeFlags, path) };
    },
  };
}

/** JSON is YAML, and needs no care for quoting. */
function writeYaml(job: Job): string {
  const path = join(job.folder, "sluice.yaml");
  const { gzipLevel, tls } = job;
  const compress = compressOf(job);
  const site = { hosts: ["*"], listen: [listenAddress(job)], routes: [{ forward: "origin" }] };
  const plain = gzipLevel === 0 ? site : { ...site, compress };
  const sites = tls === undefined ? [plain] : [plain, tlsSite(tls)];
  writeFileSync(path, JSON.stringify({ ...processSettings(job), sites }, undefined, 2));
  return path;
}

function compressOf({ gzipLevel }: Job): object {
  return { codings: ["gzip"], levels: { gzip: gzipLevel }, minBytes: 1024 };
}

function tlsSite({ port, cert, key }: JobTls): object {
  const tls = { cert, key, redirectFrom: "off" };
  return { hosts: ["*"], listen: [`127.0.0.1:${port}`], tls, routes: [{ forward: "origin" }] };
}

/** 100,000 routes come from a loop, as they would in a fleet: what is timed is routing, not YAML. */
function writeModule(job: Job): string {
  const path = join(job.folder, "sluice.config.ts");
  const source = `
const listen = [${JSON.stringify(listenAddress(job))}];
const routes = Array.from({ length: ${ROUTES_PER_SITE} }, (_, index) => (
  { name: \`r\${index}\`, match: { path: \`/r\${index}/*\` }, forward: "origin" }
));
const sites = Array.from({ length: ${job.sites} }, (_, index) => (
  { hosts: [\`site\${index}.bench.test\`], listen, routes }
));
export default {
  ...${JSON.stringify(processSettings(job))},
  sites: [...sites, { hosts: ["*"], listen, routes: [{ forward: "origin" }] }],
};
`;
  writeFileSync(path, source);
  return path;
}

function processSettings(job: Job): Readonly<Record<string, unknown>> {
  return {
    workers: 1,
    admin: "off",
    log: { access: job.accessLog ? accessLogPath(job) : "off", format: "json" },
    upstreams: { origin: `http://127.0.0.1:${job.originPort}` },
  };
}

function listenAddress(job: Job): string {
  return `127.0.0.1:${job.listenPort}`;
}
