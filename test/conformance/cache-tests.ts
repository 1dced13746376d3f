/**
 * http-tests/cache-tests, from a checkout with its modules installed: `--path cache-tests=FOLDER`.
 * Its origin and its client are its own; a test counts as passed if those that it depends on are.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { freePort } from "../support/free.ts";
import { answers } from "../support/nginx.ts";
import { type Gap, type Outcome, type Result, type Setting, type Suite, settle } from "./suite.ts";

const TIMEOUT_MS = 300_000;

/** What a CDN would have: guesses, cookies as the RFC has them, and clients that are obeyed. */
const CACHE = "{ heuristic: true, setCookie: store, clientControl: obey, staleIfError: 1h }";

const GAPS: readonly Gap[] = [
  {
    id: /^headers-store-Transfer-Encoding$/,
    reason: "a response with a transfer coding that nobody knows is refused with 502 (S1)",
  },
  {
    id: /^partial-store-partial-reuse-partial/,
    reason: "its origin sends five bytes as `bytes 4-9/10`, which are six: not stored",
  },
  {
    id: /^partial-store-partial-complete$/,
    reason: "parts without a strong validator must not be put together (RFC 9111 §3.4)",
  },
  { id: /^method-POST$/, reason: "answers to POST are not stored" },
  {
    id: /^conditional-lm-fresh-no-lm$/,
    reason: "Date is later than If-Modified-Since, which says modified (RFC 9111 §4.3.2)",
  },
  {
    id: /^vary-normalise-lang-select$/,
    reason: "Content-Language does not say what else the origin could have chosen",
  },
];

interface ForeignTest {
  readonly id: string;
  readonly kind?: "required" | "optimal" | "check";
  readonly browser_only?: boolean;
}

type ForeignSuites = readonly { readonly tests: readonly ForeignTest[] }[];
type Results = Readonly<Record<string, unknown>>;

interface Judge {
  readonly resultTypes: Readonly<Record<string, unknown>>;
  determineTestResult(suites: ForeignSuites, id: string, results: Results): unknown;
}

const BY_DEFAULT: readonly Gap[] = [
  ...GAPS,
  { id: /^heuristic-\d+-cached$/, reason: "nothing is guessed unless `heuristic` says so" },
  {
    id: /^(other-set-cookie|headers-store-Set-Cookie)$/,
    reason: "what sets a cookie is not stored unless `setCookie` says so",
  },
];

export const cacheTests: Suite = {
  name: "cache-tests",
  about: `http-tests/cache-tests against a route with \`cache: ${CACHE}\``,
  run: (setting) => run(setting, CACHE, GAPS),
};

export const cacheTestsByDefault: Suite = {
  name: "cache-tests-by-default",
  checkout: "cache-tests",
  about: "The same against a route with `cache: on`",
  run: (setting) => run(setting, "on", BY_DEFAULT),
};

async function run({ start, path }: Setting, cache: string, gaps: readonly Gap[]): Promise<Result> {
  if (path === undefined) return { skipped: "needs --path, a checkout with its modules" };
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), "sluice-cache-tests-"));
  const origin = startOrigin(path, port, join(folder, "pid"));
  try {
    await answers(port, origin);
    const proxy = await start(
      `{ upstreams: { app: { endpoints: ["127.0.0.1:${port}"] } }, ` +
        `sites: [{ hosts: ["*"], routes: [{ forward: app, cache: ${cache} }] }] }`,
    );
    const results = await play(path, proxy.port);
    await proxy.stop();
    return { groups: settle(await outcomesIn(path, results, gaps)) };
  } finally {
    origin.kill();
    await once(origin, "exit");
    await rm(folder, { recursive: true });
  }
}

function startOrigin(path: string, port: number, pidfile: string): ChildProcess {
  const env = {
    ...process.env,
    npm_config_protocol: "http",
    npm_config_port: String(port),
    npm_config_pidfile: pidfile,
  };
  const program = join(path, "test-engine/server/server.mjs");
  return spawn(process.execPath, [program], { cwd: path, env, stdio: "ignore" });
}

async function play(path: string, port: number): Promise<Results> {
  const env = {
    ...process.env,
    npm_config_base: `http://127.0.0.1:${port}`,
    npm_config_id: "",
    npm_package_config_id: "", // all of them
  };
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--no-warnings", join(path, "test-engine/cli.mjs")],
    { cwd: path, env, timeout: TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024 },
  );
  return JSON.parse(stdout) as Results;
}

async function outcomesIn(
  path: string,
  results: Results,
  gaps: readonly Gap[],
): Promise<Outcome[]> {
  const load = (file: string) => import(pathToFileURL(join(path, file)).href);
  const { default: suites } = (await load("tests/index.mjs")) as { default: ForeignSuites };
  const judge = (await load("test-engine/lib/results.mjs")) as Judge;
  const passing = [judge.resultTypes["pass"], judge.resultTypes["yes"]];
  const tests = suites.flatMap((suite) => suite.tests).filter((each) => each.browser_only !== true);
  // A check has no wanted answer: caches differ.
  return tests
    .filter(({ kind }) => kind !== "check")
    .map(({ id, kind = "required" }) => ({
      group: kind,
      id,
      passed: passing.includes(judge.determineTestResult(suites, id, results)),
      detail: JSON.stringify(results[id]),
      gap: gaps.find((gap) => gap.id.test(id)),
    }));
}
