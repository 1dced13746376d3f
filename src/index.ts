/**
 * Sluice as a library: the same proxy that `sluice run` starts, in the caller's thread unless the
 * config asks for several `workers`.
 *
 * @packageDocumentation
 */
import { ConfigError, type ProxyExtras, RunningProxy } from "./admin/running-proxy.ts";
import { type ConfigInput, defineConfig } from "./config/define.ts";
import { type Loaded, loadValue } from "./config/load.ts";

export type { Address, Clock, Log, Network, Random, World } from "./base/world.ts";
export type { PlacedProblem } from "./config/problems.ts";
export { ConfigError, type ConfigInput, defineConfig, type ProxyExtras, type RunningProxy };

/**
 * Starts a proxy and resolves once every address is bound.
 *
 * @param config the object that a config file would export or hold, or one that was loaded before
 * @param extras what tests replace
 * @returns the running proxy; stop it with `stop()` or `await using`
 * @throws ConfigError with every problem of the config; nothing has been started then
 * @throws the system's error if an address cannot be bound or a log cannot be opened
 *
 * @example
 * ```ts
 * import { createProxy } from "sluice";
 *
 * await using proxy = await createProxy({
 *   admin: "off",
 *   upstreams: { app: "http://127.0.0.1:3000" },
 *   sites: [{ hosts: ["*"], listen: ["127.0.0.1:0"], routes: [{ forward: "app" }] }],
 * });
 * console.log(proxy.addresses[0]?.port);
 * ```
 */
export function createProxy(
  config: ConfigInput | Loaded,
  extras?: ProxyExtras,
): Promise<RunningProxy> {
  return RunningProxy.start(isLoaded(config) ? config : loadValue(config, "createProxy"), extras);
}

function isLoaded(config: ConfigInput | Loaded): config is Loaded {
  return "origin" in config && "expansions" in config;
}
