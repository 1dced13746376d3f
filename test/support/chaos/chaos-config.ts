import { check } from "../../../src/config/check.ts";
import type { Config } from "../../../src/config/config.ts";
import { type Loaded, loadValue } from "../../../src/config/load.ts";
import { vocabulary } from "../../../src/features/index.ts";
import { BALANCERS } from "../../../src/upstream/balancers/named.ts";
import { Seeded } from "../seeded.ts";
import { BODY_BYTES_MAX } from "./chaos-plan.ts";

/** The timeouts are short, so that all of them come to fire beside one another. */
const TIMEOUTS = {
  requestHead: "2s",
  requestBody: "2s",
  write: "2s",
  keepAlive: "5s",
  connect: "400ms",
  send: "2s",
  responseHead: "2s",
  responseBody: "2s",
  expectContinue: "300ms",
  tunnelIdle: "3s",
  upstreamKeepAlive: "3s",
  drain: "2s",
};

/** The config of each reload: other endpoints, weights, balancing, routes and listeners. */
export function chaosConfig(
  seed: number,
  version: number,
  addresses: readonly string[],
  isCalm = false, // no checks of its own: nothing goes on without clients
): { readonly config: Config; readonly loaded: Loaded } {
  const random = new Seeded(Math.imul(seed, 69_069) + version);
  const names = Object.keys(BALANCERS);
  const upstream = () => {
    const kept = addresses.filter(() => !random.chance(4));
    const endpoints = (kept.length === 0 ? addresses : kept).map((url) => ({
      url,
      weight: 1 + random.below(3),
    }));
    const name = random.of(names);
    const balance = name === "hash" ? { hash: "url" } : name; // by itself it does not say by what
    const more = { balance, maxIdle: random.of([1, 8, 64]) };
    return { endpoints, ...more, ...healthOf(random, isCalm) };
  };
  const perTry = random.chance(3) ? { perTry: "700ms" } : {};
  const on = [
    "connect",
    "reused",
    "reset",
    "timeout",
    ...(random.chance(2) ? ["malformed", 503] : []),
  ];
  const retry = { attempts: 3, on, ...perTry };
  // Named, since a number would move with the route that comes and goes before them.
  const routes = [
    { name: "here", match: { path: "/here/*" }, respond: { status: 200, body: "here" } },
    { name: "plain", match: { path: "/plain/*" }, forward: "app" },
    { name: "retry", match: { path: "/retry/*" }, forward: "app", retry },
    {
      name: "replay",
      match: { path: "/replay/*" },
      forward: "other",
      retry: { ...retry, replayBody: true },
    },
    { name: "once", match: { path: "/once/*" }, forward: "other", retry: "off" },
  ];
  const more = { match: { path: `/version/${version}` }, respond: { status: 204 } };
  const listen = ["10.0.0.1:80", ...(random.chance(3) ? ["10.0.0.1:81"] : [])];
  const value = {
    admin: "off",
    log: { access: "off" },
    via: { pseudonym: "sim" },
    timeouts: TIMEOUTS,
    limits: { bodyBytes: BODY_BYTES_MAX },
    upstreams: { app: upstream(), other: upstream() },
    sites: [{ hosts: ["*"], listen, routes: random.chance(2) ? [more, ...routes] : routes }],
  };
  const loaded = loadValue(value, "chaos");
  const { config, problems } = check(loaded, vocabulary);
  if (config === undefined) throw new Error(problems.map(({ message }) => message).join("\n"));
  return { config, loaded };
}

function healthOf(random: Seeded, isCalm: boolean): object {
  const active = { path: "/healthz", every: "200ms", timeout: "300ms", up: 1, down: 2 };
  const passive = random.chance(3) ? "off" : { failures: 2, within: "2s", ejectFor: "1s" };
  const health = random.chance(2) && !isCalm ? { active, passive } : { passive };
  const breaker = { errorRate: "50%", within: "2s", minRequests: 5, openFor: "500ms", probes: 1 };
  const concurrency = { min: 1, max: 1 + random.below(20) };
  return {
    health,
    ...(random.chance(3) ? { breaker } : {}),
    ...(random.chance(3) ? { concurrency } : {}),
  };
}
