import type { Wire } from "../base/world.ts";
import type { ProxiedAddress } from "../protocol/proxy-protocol/proxy-header.ts";

/** An IPv4 client on a dual-stack socket is still an IPv4 client to every rule and log. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return "unix";
  return address.startsWith("::ffff:") ? address.replace(/^::ffff:(?=\d+\.)/, "") : address;
}

/** Our own end of a wire. */
export function localEnd(wire: Wire): ProxiedAddress {
  return { host: plainAddress(wire.localAddress), port: wire.localPort ?? 0 };
}

/** How many bytes of buffers that were written it still reads: they may not be used again yet. */
export function heldBy(wire: Wire): number {
  return wire.heldLength ?? wire.writableLength;
}
