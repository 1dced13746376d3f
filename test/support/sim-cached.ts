/** Requests to a simulated proxy with a cache, and what comes back. */
import assert from "node:assert/strict";
import { type Message, readResponse } from "./message.ts";
import type { SimAnswer } from "./sim-origin.ts";
import type { SimPeer } from "./sim-peer.ts";
import type { SimProxy, SimProxyOptions } from "./sim-proxy.ts";

type Fields = Readonly<Record<string, string>>;

export const FRESH: Fields = { "Cache-Control": "max-age=60" };

export function get(path: string, fields: Fields = {}): string {
  return `GET ${path} HTTP/1.1\r\nHost: a.test\r\n${linesOf(fields)}\r\n`;
}

export function reply(body: string, fields: Fields = {}, status = 200): string {
  return `HTTP/1.1 ${status} X\r\nContent-Length: ${body.length}\r\n${linesOf(fields)}\r\n${body}`;
}

function linesOf(fields: Fields): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("");
}

export function cached(
  origin: SimAnswer,
  cache: unknown = "on",
  more: SimProxyOptions = {},
): SimProxyOptions {
  return { origins: [origin], cache, ...more };
}

/** The last response that the client has, whole. */
export function last(client: SimPeer, method = "GET"): Message {
  let found: Message | undefined;
  for (let at = 0; ; ) {
    const response = readResponse(client.text, at, method, client.isClosed);
    if (response === undefined) break;
    found = response;
    at = response.end;
  }
  assert.ok(found !== undefined, `no response in ${JSON.stringify(client.text.slice(0, 200))}`);
  return found;
}

export function field(message: Message, name: string): string | undefined {
  return message.fields.find(([each]) => each.toLowerCase() === name)?.[1];
}

export async function ask(proxy: SimProxy, text: string, method = "GET"): Promise<Message> {
  return last(await proxy.clientWith(text), method);
}

/** What the cache did, exchange by exchange. */
export function results(proxy: SimProxy): string {
  return proxy.worker.over.map(({ cacheResult }) => cacheResult).join(" ");
}

export function asked(proxy: SimProxy): string[] {
  return proxy.origin.requests.map(({ startLine }) => startLine.split(" ")[1]!);
}

export const silent = () => {};
