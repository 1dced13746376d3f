import { mask } from "./cidr.ts";
import { formatIp, formatIpv4, isIpv4, parseIp } from "./ip-address.ts";

/** How much of an address is one client. */
export interface PrefixBits {
  readonly ipv4: number;
  readonly ipv6: number;
}

/**
 * The network that stands for a client: of IPv6 the /64 as a rule, since one client has as many addresses
 * in it as it likes. The last one is remembered, as a connection asks for each of its requests.
 * Addresses come in one spelling each, IPv4 also where it was mapped into IPv6.
 */
export class ClientPrefix {
  readonly #bits: PrefixBits;
  #lastAddress: string;
  #lastPrefix: string;

  constructor(bits: PrefixBits) {
    this.#bits = bits;
    this.#lastAddress = "";
    this.#lastPrefix = "";
  }

  /** "203.0.113.7" "203.0.113.0/24" "2001:db8::/64"; what is no address, such as "unix", as it is. */
  of(address: string): string {
    if (this.#bits.ipv4 === 32 && !address.includes(":")) return address;
    if (address === this.#lastAddress) return this.#lastPrefix;
    const prefix = this.#prefixOf(address);
    this.#lastAddress = address;
    this.#lastPrefix = prefix;
    return prefix;
  }

  #prefixOf(address: string): string {
    const { ipv4, ipv6 } = this.#bits;
    const words = parseIp(address);
    if (words === undefined) return address;
    if (!isIpv4(words)) {
      return ipv6 === 128 ? formatIp(words) : `${formatIp(mask(words, ipv6))}/${ipv6}`;
    }
    if (ipv4 === 32) return formatIpv4(words[3]!);
    return `${formatIpv4(mask(words, 96 + ipv4)[3]!)}/${ipv4}`;
  }
}
