/** Databases in the format of MaxMind, for tests: https://maxmind.github.io/MaxMind-DB/ */
import { parseCidr } from "../../src/base/cidr.ts";

type Value = string | number | { readonly [key: string]: Value };

interface Node {
  readonly sides: [Node | Leaf | undefined, Node | Leaf | undefined];
  number: number;
}

interface Leaf {
  readonly position: number; // of its record
}

export interface MmdbShape {
  readonly recordBits?: 24 | 28 | 32;
  readonly type?: string;
  readonly ipVersion?: 4 | 6;
}

/** Networks and their records; later ones must not hold earlier ones. */
export function mmdbOf(entries: Readonly<Record<string, Value>>, shape: MmdbShape = {}): Buffer {
  const { recordBits = 24, type = "Test-Country", ipVersion = 6 } = shape;
  const data: Buffer[] = [];
  const positions = new Map<string, number>();
  const root: Node = { sides: [undefined, undefined], number: 0 };
  for (const [network, record] of Object.entries(entries)) {
    const key = JSON.stringify(record);
    let position = positions.get(key);
    if (position === undefined) {
      position = data.reduce((sum, { length }) => sum + length, 0);
      data.push(encoded(record));
      positions.set(key, position);
    }
    put(root, bitsOf(network, ipVersion), { position });
  }
  const nodes: Node[] = [];
  number(root, nodes);
  const tree = Buffer.concat(nodes.map((node) => nodeBytes(node, nodes.length, recordBits)));
  const metadata = metadataOf(nodes.length, recordBits, type, ipVersion);
  const marker = Buffer.from("\xab\xcd\xefMaxMind.com", "latin1");
  return Buffer.concat([tree, Buffer.alloc(16), ...data, marker, metadata]);
}

/** Its numbers are of sizes that other readers insist on. */
function metadataOf(
  nodeCount: number,
  recordBits: number,
  type: string,
  ipVersion: number,
): Buffer {
  const fields: readonly (readonly [key: string, value: Buffer])[] = [
    ["binary_format_major_version", whole(2, 2)],
    ["binary_format_minor_version", whole(2, 0)],
    ["build_epoch", whole(8, 1_700_000_000)],
    ["database_type", encoded(type)],
    ["description", control(7, 0)],
    ["ip_version", whole(2, ipVersion)],
    ["languages", Buffer.from([0, 4])],
    ["node_count", whole(4, nodeCount)],
    ["record_size", whole(2, recordBits)],
  ];
  const pairs = fields.flatMap(([key, value]) => [encoded(key), value]);
  return Buffer.concat([control(7, fields.length), ...pairs]);
}

/** uint16, uint32 or uint64. */
function whole(size: 2 | 4 | 8, value: number): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntBE(value, Math.max(0, size - 6), Math.min(size, 6));
  const type = { 2: Buffer.from([0xa2]), 4: Buffer.from([0xc4]), 8: Buffer.from([0x08, 0x02]) }[
    size
  ];
  return Buffer.concat([type, bytes]);
}

/** In a tree of IPv6, networks of IPv4 stand below 96 zeros. */
function bitsOf(network: string, ipVersion: 4 | 6): number[] {
  const cidr = parseCidr(network);
  if (typeof cidr === "string") throw new Error(`${network} ${cidr}`);
  const written = Number(network.split("/")[1] ?? (cidr.isIpv4 ? 32 : 128));
  const words = cidr.isIpv4 ? [0, 0, 0, cidr.low[3]!] : [...cidr.low];
  const all = words.flatMap((word) =>
    Array.from({ length: 32 }, (_, bit) => (word >>> (31 - bit)) & 1),
  );
  const bits = all.slice(0, cidr.isIpv4 ? 96 + written : written);
  return ipVersion === 4 ? bits.slice(96) : bits;
}

function put(root: Node, bits: readonly number[], leaf: Leaf): void {
  let node = root;
  for (const [index, bit] of bits.entries()) {
    if (index === bits.length - 1) {
      node.sides[bit] = leaf;
      return;
    }
    const below = node.sides[bit];
    if (below !== undefined && "sides" in below) {
      node = below;
      continue;
    }
    const next: Node = { sides: [below, below], number: 0 }; // a narrower network within a wider one
    node.sides[bit] = next;
    node = next;
  }
}

function number(node: Node, nodes: Node[]): void {
  node.number = nodes.length;
  nodes.push(node);
  for (const side of node.sides) if (side !== undefined && "sides" in side) number(side, nodes);
}

function nodeBytes({ sides }: Node, count: number, recordBits: number): Buffer {
  const [left, right] = sides.map((side) => {
    if (side === undefined) return count;
    return "sides" in side ? side.number : count + 16 + side.position;
  }) as [number, number];
  if (recordBits === 28) {
    const bytes = Buffer.alloc(7);
    bytes.writeUIntBE(left & 0xffffff, 0, 3);
    bytes[3] = ((left >>> 24) << 4) | (right >>> 24);
    bytes.writeUIntBE(right & 0xffffff, 4, 3);
    return bytes;
  }
  const bytes = Buffer.alloc(recordBits / 4);
  bytes.writeUIntBE(left, 0, recordBits / 8);
  bytes.writeUIntBE(right, recordBits / 8, recordBits / 8);
  return bytes;
}

function encoded(value: Value): Buffer {
  if (typeof value === "string") {
    const text = Buffer.from(value);
    return Buffer.concat([control(2, text.length), text]);
  }
  if (typeof value === "number") return whole(4, value);
  const entries = Object.entries(value);
  return Buffer.concat([
    control(7, entries.length),
    ...entries.flatMap(([key, inner]) => [encoded(key), encoded(inner)]),
  ]);
}

function control(type: number, size: number): Buffer {
  if (size < 29) return Buffer.from([(type << 5) | size]);
  if (size < 285) return Buffer.from([(type << 5) | 29, size - 29]);
  return Buffer.from([(type << 5) | 30, (size - 285) >>> 8, (size - 285) & 255]);
}
