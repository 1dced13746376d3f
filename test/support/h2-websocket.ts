/** A WebSocket on a stream of HTTP/2, in the simulated world. */
import assert from "node:assert/strict";
import * as wire from "./h2-frames.ts";
import { fieldValue, type Message } from "./message.ts";
import { SimH2Client } from "./sim-h2-client.ts";
import type { SimOriginConnection } from "./sim-origin.ts";
import type { SimProxy, SimProxyOptions } from "./sim-proxy.ts";
import { acceptOf, switched } from "./websocket.ts";

const { headers } = wire;

export const CONNECT: readonly wire.Pair[] = [
  [":method", "CONNECT"],
  [":protocol", "websocket"],
  [":scheme", "http"],
  [":path", "/chat"],
  [":authority", "a.test"],
  ["sec-websocket-version", "13"],
];
/** As an origin: switches, and from then on keeps what comes as it is. */
export function accept(connection: SimOriginConnection, request: Message, behind = ""): void {
  const key = fieldValue(request.fields, "sec-websocket-key") ?? "";
  connection.isReading = false;
  connection.text = "";
  connection.send(switched({ "sec-websocket-accept": acceptOf(key) }) + behind);
}

export const H2 = { protocols: ["h1", "h2c"], origins: [accept] } satisfies SimProxyOptions;

/** A client that has a WebSocket on stream 1. */
export async function opened(proxy: SimProxy, rows: readonly (readonly [number, number])[] = []) {
  const client = await SimH2Client.greet(proxy, rows);
  client.send(headers(1, CONNECT, 0));
  await proxy.advance(20);
  assert.deepEqual(client.answers, ["1 200"]);
  client.log.lines.length = 0;
  return client;
}
