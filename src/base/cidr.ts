import { formatIp, formatIpv4, type IpWords, isIpv4, parseIp, parseIpv4 } from "./ip-address.ts";

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
 * A set of networks. A lookup is a binary search over plain words; the last address asked for is remembered,
 * because one connection asks about the same address for every request. "0.0.0.0/0" is all of IPv4 and
 * "::/0" all of IPv6: neither holds the other.
 */
export class CidrSet {
  readonly #v4: Ranges;
  readonly #v6: Ranges;
  readonly #words: IpWords;
  #lastAddress: string;
  #lastAnswer: boolean;

  /** Throws on what parseCidr refuses: check first. */
  constructor(cidrs: Iterable<string>) {
    const v4: number[] = [];
    const v6: Cidr[] = [];
    for (const text of cidrs) {
      const packed = packedIpv4(text);
      if (packed >= 0) {
        v4.push(packed);
        continue;
      }
      const cidr = parseCidr(text);
      if (typeof cidr === "string") throw new TypeError(`Cannot use ${text}: ${cidr}`);
      if (cidr.isIpv4)
        v4.push(packed4(cidr.low[3]!, 32 - Math.log2(cidr.high[3]! - cidr.low[3]! + 1)));
      else v6.push(cidr);
    }
    this.#v4 = rangesOf(v4);
    this.#v6 = new Ranges(merged(v6), 0);
    this.#words = new Uint32Array(4);
    this.#lastAddress = "";
    this.#lastAnswer = false;
  }

  /** Of networks, without those that lie in another one. */
  get count(): number {
    return this.#v4.count + this.#v6.count;
  }

  /** False for what is no address, such as "unix". */
  has(address: string): boolean {
    if (address === this.#lastAddress) return this.#lastAnswer;
    const words = parseIp(address, this.#words);
    const answer = words !== undefined && (isIpv4(words) ? this.#v4 : this.#v6).has(words);
    this.#lastAddress = address;
    this.#lastAnswer = answer;
    return answer;
  }
}

const V4_WORD = 3; // the only one in which addresses of IPv4 differ

/** A network of IPv4 as one number that sorts as networks do, the wider one first. */
function packed4(low: number, bits: number): number {
  return low * 64 + bits;
}

/** Of what is plainly written; -1 for all else. Lists of hundred thousands are read while others wait. */
function packedIpv4(text: string): number {
  const slash = text.indexOf("/");
  const low = parseIpv4(text, 0, slash < 0 ? text.length : slash);
  if (low < 0) return -1;
  if (slash < 0) return packed4(low, 32);
  const first = text.charCodeAt(slash + 1) - 0x30;
  const second = text.charCodeAt(slash + 2) - 0x30;
  const isTwo = text.length === slash + 3;
  if (!(first >= (isTwo ? 1 : 0) && first <= 9) || (!isTwo && text.length !== slash + 2)) return -1;
  if (isTwo && !(second >= 0 && second <= 9)) return -1;
  const bits = isTwo ? first * 10 + second : first;
  return bits > 32 || low % 2 ** (32 - bits) !== 0 ? -1 : packed4(low, bits);
}

function rangesOf(packed: readonly number[]): Ranges {
  const sorted = Float64Array.from(packed).sort();
  const ranges: Pick<Cidr, "low" | "high">[] = [];
  let end = -1;
  for (const one of sorted) {
    const low = Math.floor(one / 64);
    const high = low + 2 ** (32 - (one % 64)) - 1;
    if (low <= end) continue; // it lies in the one before
    end = high;
    ranges.push({ low: Uint32Array.of(low), high: Uint32Array.of(high) });
  }
  return new Ranges(ranges, V4_WORD);
}

/** Ranges that are sorted and apart, in the words from `first` on, side by side. */
class Ranges {
  readonly count: number;
  readonly #first: number;
  readonly #width: number;
  readonly #lows: Uint32Array;
  readonly #highs: Uint32Array;

  /** `cidrs`: their last words, from `first` on. */
  constructor(cidrs: readonly Pick<Cidr, "low" | "high">[], first: number) {
    this.count = cidrs.length;
    this.#first = first;
    this.#width = 4 - first;
    this.#lows = new Uint32Array(cidrs.length * this.#width);
    this.#highs = new Uint32Array(cidrs.length * this.#width);
    for (const [index, { low, high }] of cidrs.entries()) {
      this.#lows.set(low, index * this.#width);
      this.#highs.set(high, index * this.#width);
    }
  }

  has(words: IpWords): boolean {
    let low = 0;
    let high = this.count - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      if (this.#compare(words, this.#lows, middle) < 0) high = middle - 1;
      else if (this.#compare(words, this.#highs, middle) > 0) low = middle + 1;
      else return true;
    }
    return false;
  }

  #compare(words: IpWords, ends: Uint32Array, index: number): number {
    let at = index * this.#width;
    for (let word = this.#first; word < 4; word++) {
      const difference = words[word]! - ends[at++]!;
      if (difference !== 0) return difference;
    }
    return 0;
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

function compare(a: IpWords, b: IpWords): number {
  for (let index = 0; index < 4; index++) {
    const difference = a[index]! - b[index]!;
    if (difference !== 0) return difference;
  }
  return 0;
}
