/** An endpoint of HTTP/2 in memory that takes WebSockets on its streams (RFC 8441). */
import assert from "node:assert/strict";
import * as wire from "./h2-frames.ts";
import { type H2OriginOptions, SimH2Origin } from "./sim-h2-origin.ts";
import { UPGRADE } from "./sim-messages.ts";
import { answersOf, type SimProxy, type SimProxyOptions, simulation } from "./sim-proxy.ts";

const { headers } = wire;
const H2C = { endpoint: { scheme: "h2c" } } as const;
export const ENABLE_CONNECT_PROTOCOL = 8;
export const TAKES_THEM = [[ENABLE_CONNECT_PROTOCOL, 1]] as const;
export const OK: readonly wire.Pair[] = [[":status", "200"]];
type Answer = NonNullable<H2OriginOptions["answer"]>;

export const accept: Answer = (connection, id, head) => {
  if (head.includes(":method=CONNECT")) connection.send(headers(id, OK, 0));
  else connection.respond(id);
};

export function h2(
  name: string,
  origin: H2OriginOptions,
  act: (proxy: SimProxy, origin: SimH2Origin) => Promise<void>,
  options: SimProxyOptions = {},
): void {
  simulation(`H2Upstream, WebSocket: ${name}`, { ...H2C, ...options }, (proxy) =>
    act(proxy, new SimH2Origin(proxy, { settings: TAKES_THEM, answer: accept, ...origin })),
  );
}

/** A client whose WebSocket is open. */
export async function opened(proxy: SimProxy) {
  const client = await proxy.clientWith(UPGRADE);
  assert.deepEqual(answersOf(client), ["101"]);
  client.text = "";
  return client;
}
