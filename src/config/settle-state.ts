import { resolve } from "node:path";
import type { RedisSettings } from "../stores/redis/redis-settings.ts";
import type { ParsedState } from "./shape/state.ts";

/** Where limits are counted. */
export type StateConfig = "memory" | RedisSettings;

export function settleState(state: ParsedState = "memory", folder: string): StateConfig {
  if (state === "memory") return state;
  const { url, ca, timeout, prefix } = state;
  const { host, port, isTls } = url;
  const identity = {
    ca: ca === undefined ? [] : [resolve(folder, ca)],
    cert: undefined,
    key: undefined,
    verify: true,
    minVersion: "1.2",
  } as const;
  return {
    address: { host, port },
    tls: isTls ? { serverName: host, alpn: [], identity } : undefined,
    username: state.username ?? url.username,
    password: state.password ?? url.password,
    database: state.database ?? url.database,
    prefix,
    timeoutMs: timeout,
  };
}
