import { isIP, isIPv4 } from "node:net";

/** What a certificate is for (RFC 8555 §9.7.7, RFC 8738). */
export interface Identifier {
  readonly type: "dns" | "ip";
  readonly value: string; // a wildcard with its "*."
}

export function identifierOf(name: string): Identifier {
  return { type: isIP(name) === 0 ? "dns" : "ip", value: name };
}

/** The bytes of an address, as a certificate has them. */
export function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split(".").map(Number));
  return Buffer.from(groupsOf(address).flatMap((group) => [group >> 8, group & 0xff]));
}

/** One spelling for each address, so that what a CA answers can be compared (RFC 5952). */
export function canonicalAddress(address: string): string {
  if (isIPv4(address)) return address;
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}

/** What a client that knocks on an address sends as its server name (RFC 8738 §6). */
export function serverNameOf({ type, value }: Identifier): string {
  if (type === "dns") return value;
  if (isIPv4(value)) return `${value.split(".").toReversed().join(".")}.in-addr.arpa`;
  const nibbles = addressBytes(value).toString("hex").split("").toReversed().join(".");
  return `${nibbles}.ip6.arpa`;
}

/** The eight groups of an IPv6 address, whose last two may be written as IPv4. */
function groupsOf(address: string): number[] {
  const [head = "", tail = ""] = canonicalAddress(address).split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => "0");
  return [...left, ...zeros, ...right].map((group) => Number.parseInt(group, 16));
}
