import type { Address, TlsClient } from "../../base/world.ts";

/** Where the shared state is, and how patiently it is asked. */
export interface RedisSettings {
  readonly address: Address; // a host that starts with "/" is a socket
  readonly tls: TlsClient | undefined;
  readonly username: string; // "" for none
  readonly password: string; // "" for none
  readonly database: number;
  readonly prefix: string; // of our keys
  readonly timeoutMs: number; // for each answer
}
