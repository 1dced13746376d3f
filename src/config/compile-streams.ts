import { CidrSet } from "../base/cidr.ts";
import type { StreamListenerPlan } from "../core/stream.ts";
import type { Upstream } from "../core/upstream.ts";
import { compileStreams } from "../route/stream-table.ts";
import type { ClientsOf } from "./compile-clients.ts";
import type { Config, StreamListenerConfig } from "./config.ts";

/** The plans of all ports that streams are served on, by key. */
export function compileStreamListeners(
  { streamListeners, upstreams: configs }: Config,
  upstreams: ReadonlyMap<string, Upstream>,
  clientsOf: ClientsOf,
): ReadonlyMap<string, StreamListenerPlan> {
  return new Map(
    streamListeners.map((listener) => {
      const plan = compileListener(listener, (name) => ({
        upstream: upstreams.get(name)!,
        proxyVersion: proxyVersionOf(configs.get(name)!.proxyProtocol),
      }));
      const clients = clientsOf(listener.key, listener.connectionsPerClient);
      return [plan.key, { ...plan, clients }];
    }),
  );
}

function compileListener(
  listener: StreamListenerConfig,
  upstreamOf: (name: string) => {
    readonly upstream: Upstream;
    readonly proxyVersion: 1 | 2 | undefined;
  },
): StreamListenerPlan {
  const { key, protocol, address, connectionsMax, openingMs, streams, proxiesFrom } = listener;
  const plans = streams.map((stream) => ({ ...stream, ...upstreamOf(stream.upstream) }));
  return {
    ...{ key, protocol, address, connectionsMax, openingMs },
    drainMs: Math.max(...streams.map(({ timeouts }) => timeouts.drain)),
    sendsProxyHeader: addressTest(proxiesFrom),
    readsHello: streams.some(({ serverNames }) => serverNames.length > 0),
    streams: compileStreams(plans),
  };
}

export function proxyVersionOf(version: "v1" | "v2" | undefined): 1 | 2 | undefined {
  if (version === undefined) return undefined;
  return version === "v1" ? 1 : 2;
}

/** Whether an address, or "unix", is in the ranges; undefined: nobody is asked. */
export function addressTest(
  ranges: readonly string[] | undefined,
): ((address: string) => boolean) | undefined {
  if (ranges === undefined) return undefined;
  const set = new CidrSet(ranges.filter((range) => range !== "unix"));
  const hasUnix = ranges.includes("unix");
  return (address) => (address === "unix" ? hasUnix : set.has(address));
}
