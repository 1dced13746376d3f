import type { PathShape } from "./path-pattern.ts";

/**
 * Narrows the routes down to those whose path may match. Segments are told apart by hash alone, so
 * that a walk slices no strings; what it finds is a superset, and the route's own conditions decide.
 * Hence the tree can cost time if it is wrong about a collision, but never an answer.
 *
 * Once built it is one array of numbers: with thousands of sites a walk over objects spends its time
 * waiting for memory (route.bench.ts). The layout:
 *
 *     nodes   NODE_CELLS each: the parameter's node, then two lists (below, here) as start and end
 *     edges   EDGE_CELLS each, an open-addressed table: node, hash of the segment, child
 *     lists   route numbers, ascending
 */
export class PathTree {
  readonly #cells: Int32Array;
  readonly #edgesAt: number;
  readonly #edgeMask: number; // the count of edge slots is a power of two

  constructor(routes: Iterable<readonly [number: number, shape: PathShape]>) {
    const nodes = [new PathNode()];
    for (const [number, shape] of routes) grow(nodes, number, shape);
    const edgeCount = nodes.reduce((sum, node) => sum + node.literals.size, 0);
    const slotCount = 2 ** Math.ceil(Math.log2(2 * edgeCount + 1));
    const listCells = nodes.reduce((sum, node) => sum + node.here.length + node.below.length, 0);
    this.#edgesAt = nodes.length * NODE_CELLS;
    this.#edgeMask = slotCount - 1;
    this.#cells = new Int32Array(this.#edgesAt + slotCount * EDGE_CELLS + listCells);
    this.#lay(nodes, this.#edgesAt + slotCount * EDGE_CELLS);
  }

  #lay(nodes: readonly PathNode[], listsAt: number): void {
    const cells = this.#cells;
    cells.fill(NONE, this.#edgesAt, listsAt);
    let at = listsAt;
    for (const [index, { parameter, below, here, literals }] of nodes.entries()) {
      const node = index * NODE_CELLS;
      cells[node] = parameter;
      cells[node + BELOW] = at;
      for (const number of below) cells[at++] = number;
      cells[node + HERE] = at;
      for (const number of here) cells[at++] = number;
      cells[node + END] = at;
      for (const [hash, child] of literals) {
        let slot = this.#slotOf(index, hash);
        while (cells[slot] !== NONE) slot = this.#after(slot);
        cells[slot] = index;
        cells[slot + 1] = hash;
        cells[slot + 2] = child;
      }
    }
  }

  /** Where the route numbers are that collect() points to. */
  get cells(): Int32Array {
    return this.#cells;
  }

  /** Puts start and end of every list that applies to the path into `found`; answers how many numbers that are. */
  collect(path: string, found: number[]): number {
    return path.charCodeAt(0) === SLASH ? this.#visit(0, path, 0, found, 0) : 0;
  }

  /** `at` is at the slash before the next segment, or at the end. The depth is that of the config's paths. */
  #visit(index: number, path: string, at: number, found: number[], count: number): number {
    const cells = this.#cells;
    const node = index * NODE_CELLS;
    const hereAt = cells[node + HERE]!;
    const isEnd = at === path.length;
    // Of a node where the path ends both lists apply, and they are neighbours but not merged.
    let next = push(found, count, cells[node + BELOW]!, hereAt);
    if (isEnd) return push(found, next, hereAt, cells[node + END]!);
    let hash = HASH_SEED;
    let end = at + 1;
    for (; end < path.length; end++) {
      const code = path.charCodeAt(end);
      if (code === SLASH) break;
      hash = mix(hash, code);
    }
    const literal = this.#childOf(index, hash);
    if (literal !== NONE) next = this.#visit(literal, path, end, found, next);
    const parameter = cells[node]!;
    if (parameter !== NONE && end > at + 1) next = this.#visit(parameter, path, end, found, next);
    return next;
  }

  #childOf(index: number, hash: number): number {
    const cells = this.#cells;
    for (let slot = this.#slotOf(index, hash); cells[slot] !== NONE; slot = this.#after(slot)) {
      if (cells[slot] === index && cells[slot + 1] === hash) return cells[slot + 2]!;
    }
    return NONE;
  }

  #slotOf(index: number, hash: number): number {
    const mixed = Math.imul(hash ^ Math.imul(index, 0x9e3779b1), 0x85ebca6b);
    return this.#edgesAt + ((mixed >>> 12) & this.#edgeMask) * EDGE_CELLS;
  }

  #after(slot: number): number {
    const number = (slot - this.#edgesAt) / EDGE_CELLS + 1;
    return this.#edgesAt + (number & this.#edgeMask) * EDGE_CELLS;
  }
}

const NODE_CELLS = 4; // the parameter's node, and:
const BELOW = 1; // where the list of prefixes that end in this node starts
const HERE = 2; // where it ends, and that of patterns that end in this node starts
const END = 3; // where that ends
const EDGE_CELLS = 3;
const NONE = -1;

class PathNode {
  readonly here: number[];
  readonly below: number[];
  readonly literals: Map<number, number>;
  parameter: number;

  constructor() {
    this.here = [];
    this.below = [];
    this.literals = new Map();
    this.parameter = NONE;
  }
}

function grow(nodes: PathNode[], number: number, { segments, isPrefix }: PathShape): void {
  let node = nodes[0]!;
  for (const segment of segments) {
    const hash = segment.kind === "literal" ? hashOf(segment.text) : 0;
    const child = segment.kind === "literal" ? (node.literals.get(hash) ?? NONE) : node.parameter;
    const next = child === NONE ? nodes.push(new PathNode()) - 1 : child;
    if (segment.kind === "literal") node.literals.set(hash, next);
    else node.parameter = next;
    node = nodes[next]!;
  }
  const list = isPrefix ? node.below : node.here;
  if (list.at(-1) !== number) list.push(number); // a route may have two patterns of one shape
}

function push(found: number[], count: number, start: number, end: number): number {
  if (start === end) return count;
  found[count] = start;
  found[count + 1] = end;
  return count + 2;
}

const HASH_SEED = 17;

function mix(hash: number, code: number): number {
  return (Math.imul(hash, 31) + code) | 0;
}

function hashOf(text: string): number {
  let hash = HASH_SEED;
  for (let index = 0; index < text.length; index++) hash = mix(hash, text.charCodeAt(index));
  return hash;
}

const SLASH = 0x2f;
