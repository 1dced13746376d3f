/** Parsed `streams:` → one plan for each port, with every number settled. */
import type { Address } from "../base/world.ts";
import {
  STREAM_TIMEOUTS,
  type StreamTimeouts,
  UDP_IDLE_MS,
  UDP_SESSIONS_MAX,
} from "../core/limits.ts";
import { streamKey } from "./address.ts";
import {
  type Levels,
  type StreamConfig,
  type StreamListenerConfig,
  settledLevels,
  type UpstreamConfig,
} from "./config.ts";

interface ParsedStream {
  readonly listen: readonly Address[];
  readonly protocol?: "tcp" | "udp" | undefined;
  readonly sni?: readonly string[] | undefined;
  readonly forward: string;
  readonly name?: string | undefined;
  readonly responses?: number | undefined;
  readonly proxyProtocol?: { readonly from: readonly string[] } | undefined;
  readonly timeouts?: { readonly [Key in keyof StreamTimeouts]?: number | undefined } | undefined;
  readonly limits?:
    | { readonly connectionsMax?: number | undefined; readonly sessionsMax?: number | undefined }
    | undefined;
}

/** What stands around the streams. */
export interface StreamSurroundings {
  readonly top: Levels;
  readonly upstreams: ReadonlyMap<string, UpstreamConfig>;
  /** What `listeners:` says about an address, by its key. */
  listener(key: string): Levels & { readonly proxiesFrom: readonly string[] | undefined };
}

export function settleStreams(
  parsed: readonly ParsedStream[],
  around: StreamSurroundings,
): StreamListenerConfig[] {
  const listeners = new Map<string, StreamListenerConfig & { readonly streams: StreamConfig[] }>();
  for (const [index, stream] of parsed.entries()) {
    const settled = settleStream(stream, index, around);
    const keys = stream.listen.map((address) => streamKey(settled.protocol, address));
    for (const [place, key] of keys.entries()) {
      if (keys.indexOf(key) < place) continue;
      const address = stream.listen[place]!;
      const known = listeners.get(key);
      if (known === undefined) listeners.set(key, newListener(key, address, stream, around));
      listeners.get(key)!.streams.push(settled);
      const from = stream.proxyProtocol?.from;
      if (known !== undefined && from !== undefined) {
        listeners.set(key, { ...known, proxiesFrom: from }); // the check has seen that all agree
      }
    }
  }
  return [...listeners.values()];
}

function newListener(
  key: string,
  address: Address,
  { protocol = "tcp", limits, proxyProtocol }: ParsedStream,
  { top, listener }: StreamSurroundings,
): StreamListenerConfig & { readonly streams: StreamConfig[] } {
  const levels = listener(key);
  const settled = settledLevels(top, levels);
  return {
    key,
    protocol,
    address,
    connectionsMax:
      protocol === "udp"
        ? (limits?.sessionsMax ?? UDP_SESSIONS_MAX)
        : settled.limits.connectionsMax,
    connectionsPerClient:
      protocol === "udp" ? Number.POSITIVE_INFINITY : settled.limits.connectionsPerClient,
    openingMs: settled.timeouts.requestHead,
    proxiesFrom: proxyProtocol?.from ?? levels.proxiesFrom,
    streams: [],
  };
}

function settleStream(
  { name, protocol = "tcp", sni, forward, responses, timeouts, limits }: ParsedStream,
  index: number,
  { top, upstreams }: StreamSurroundings,
): StreamConfig {
  const upstream = upstreams.get(forward);
  const idle = protocol === "udp" ? UDP_IDLE_MS : STREAM_TIMEOUTS.idle;
  return {
    name: name ?? `stream#${index + 1}`,
    at: ["streams", index],
    protocol,
    serverNames: sni ?? [],
    upstream: forward,
    connectionsMax: limits?.connectionsMax ?? Number.POSITIVE_INFINITY,
    responses: responses ?? Number.POSITIVE_INFINITY,
    timeouts: {
      connect:
        upstream?.timeouts.connect ?? timeouts?.connect ?? settledLevels(top).timeouts.connect,
      idle: timeouts?.idle ?? idle,
      drain: timeouts?.drain ?? top.timeouts.drain ?? STREAM_TIMEOUTS.drain,
    },
  };
}
