import { formatIp, formatIpv4, type IpWords, isIpv4, parseIp } from "./ip-address.ts";

export interface Cidr {
  readonly low: IpWords;
  readonly high: IpWords;
  readonly isIpv4: boolean;
}

/** "10.0.0.0/8", "2001:db8::/32", or a single address. A string says what is wrong with it. */
export function parseCidr(text: string): Cidr | string {
  const slash = text.indexOf("/");
  const address = parseIp(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) return "is not an address or a network such as 10.0.0.0/8";
  // "::ffff:10.0.0.0/104" counts its bits as IPv6, "10.0.0.0/8" as IPv4.
  const writtenAsIpv4 = !text.includes(":");
  const digits = slash < 0 ? (writtenAsIpv4 ? "32" : "128") : text.slice(slash + 1);
  if (!/^(0|[1-9][0-9]{0,2})$/.test(digits)) return "has a prefix length that is not a number";
  const bits = Number(digits) + (writtenAsIpv4 ? 96 : 0);
  if (bits > 128) return `has a prefix longer than ${writtenAsIpv4 ? 32 : 128} bits`;

  const low = mask(address, bits);
  if (low.some((word, index) => word !== address[index])) {
    const wanted = writtenAsIpv4 ? formatIpv4(low[3]!) : formatIp(low);
    return `has bits set beyond its prefix; the network is ${wanted}/${digits}`;
  }
  return {
    low,
    high: low.map((word, index) => word | hostBits(bits, index)),
    isIpv4: isIpv4(low) && bits >= 96,
  };
}

/** The network of so many bits that the address is in; IPv4 counts its bits as ::ffff:0:0/96 does. */
export function mask(address: IpWords, bits: number): IpWords {
  return address.map((word, index) => word & ~hostBits(bits, index));
}

/** The bits of word `index` that are not in a prefix of `bits`. */
function hostBits(bits: number, index: number): number {
  const kept = Math.min(32, Math.max(0, bits - index * 32));
  return kept === 32 ? 0 : 0xffffffff >>> kept;
}

/**
 * A set of networks. A lookup is a binary search; the last address asked for is remembered, because
 * one connection asks about the same address for every request. "0.0.0.0/0" is all of IPv4 and
 * "::/0" all of IPv6: neither holds the other.
 */
export class CidrSet {
  readonly #v4: readonly Cidr[];
  readonly #v6: readonly Cidr[];
  readonly #words: IpWords;
  #lastAddress: string;
  #lastAnswer: boolean;

  /** Throws on what parseCidr refuses: check first. */
  constructor(cidrs: readonly string[]) {
    const parsed = cidrs.map((text) => {
      const cidr = parseCidr(text);
      if (typeof cidr === "string") throw new TypeError(`Cannot use ${text}: ${cidr}`);
      return cidr;
    });
    this.#v4 = merged(parsed.filter((cidr) => cidr.isIpv4));
    this.#v6 = merged(parsed.filter((cidr) => !cidr.isIpv4));
    this.#words = new Uint32Array(4);
    this.#lastAddress = "";
    this.#lastAnswer = false;
  }

  /** False for what is no address, such as "unix". */
  has(address: string): boolean {
    if (address === this.#lastAddress) return this.#lastAnswer;
    const words = parseIp(address, this.#words);
    const answer = words !== undefined && isWithin(isIpv4(words) ? this.#v4 : this.#v6, words);
    this.#lastAddress = address;
    this.#lastAnswer = answer;
    return answer;
  }
}

/** Sorted and without overlap, which is what the binary search needs. */
function merged(cidrs: readonly Cidr[]): readonly Cidr[] {
  // Two networks are nested or apart, so the wider one comes first and swallows what follows.
  const sorted = cidrs.toSorted((a, b) => compare(a.low, b.low) || compare(b.high, a.high));
  const kept: Cidr[] = [];
  for (const cidr of sorted) {
    const last = kept.at(-1);
    if (last === undefined || compare(cidr.low, last.high) > 0) kept.push(cidr);
  }
  return kept;
}

function isWithin(cidrs: readonly Cidr[], words: IpWords): boolean {
  let low = 0;
  let high = cidrs.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const cidr = cidrs[middle]!;
    if (compare(words, cidr.low) < 0) high = middle - 1;
    else if (compare(words, cidr.high) > 0) low = middle + 1;
    else return true;
  }
  return false;
}

function compare(a: IpWords, b: IpWords): number {
  for (let index = 0; index < 4; index++) {
    const difference = a[index]! - b[index]!;
    if (difference !== 0) return difference;
  }
  return 0;
}
