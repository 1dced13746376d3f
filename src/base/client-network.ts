import { isIpv4, parseIp } from "./ip-address.ts";

const words = new Uint32Array(4);

/** A client has one IPv4 address, but a whole /64 of IPv6 to take addresses from as it likes. */
export function networkOf(address: string): string {
  if (!address.includes(":") || parseIp(address, words) === undefined) return address;
  return isIpv4(words) ? address : `${words[0]!.toString(16)}:${words[1]!.toString(16)}`;
}
