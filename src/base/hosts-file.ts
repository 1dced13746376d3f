import { parseIp } from "./ip-address.ts";

/** Names of this machine's hosts file, lower case, with their addresses in the order written. */
export type Hosts = ReadonlyMap<string, readonly string[]>;

// RFC 6761 §6.3: these are ours whatever anybody says.
const LOOPBACK = ["127.0.0.1", "::1"];

/** hosts(5): an address, then names; "#" begins a comment. What is no such line is passed over. */
export function parseHosts(text: string): Hosts {
  const hosts = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const [address = "", ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (parseIp(address) === undefined) continue; // "fe80::1%eth0" among them: no zone is kept
    for (const name of names) {
      const known = hosts.get(name.toLowerCase());
      if (known === undefined) hosts.set(name.toLowerCase(), [address]);
      else if (!known.includes(address)) known.push(address);
    }
  }
  if (!hosts.has("localhost")) hosts.set("localhost", LOOPBACK);
  return hosts;
}
