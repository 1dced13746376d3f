import type { PathShape } from "./path-pattern.ts";

/** Route numbers, ascending. */
export type Numbers = number[];

/**
 * Narrows the routes down to those whose path may match. Segments are told apart by hash alone, so
 * that a walk slices no strings; what it finds is a superset, and the route's own conditions decide.
 * Hence the tree can cost time if it is wrong about a collision, but never an answer.
 */
export class PathTree {
  readonly #root: PathNode;

  constructor() {
    this.#root = new PathNode();
  }

  /** Numbers are added in ascending order. */
  add(shape: PathShape, number: number): void {
    let node = this.#root;
    for (const segment of shape.segments) {
      node =
        segment.kind === "parameter"
          ? node.parameterChild()
          : node.literalChild(hashOf(segment.text));
    }
    const list = shape.isPrefix ? node.below : node.here;
    if (list.at(-1) !== number) list.push(number);
  }

  /** Puts every list that applies to the path into `found`, and answers how many there are. */
  collect(path: string, found: Numbers[]): number {
    return path.charCodeAt(0) === SLASH ? visit(this.#root, path, 0, found, 0) : 0;
  }
}

class PathNode {
  readonly here: Numbers; // of patterns that end in this node
  readonly below: Numbers; // of prefixes that end in this node
  literals: Map<number, PathNode> | undefined;
  parameter: PathNode | undefined;

  constructor() {
    this.here = [];
    this.below = [];
    this.literals = undefined;
    this.parameter = undefined;
  }

  literalChild(hash: number): PathNode {
    this.literals ??= new Map();
    let child = this.literals.get(hash);
    if (child === undefined) {
      child = new PathNode();
      this.literals.set(hash, child);
    }
    return child;
  }

  parameterChild(): PathNode {
    this.parameter ??= new PathNode();
    return this.parameter;
  }
}

/** `at` is at the slash before the next segment, or at the end. The depth is that of the config's paths. */
function visit(node: PathNode, path: string, at: number, found: Numbers[], count: number): number {
  let next = count;
  if (node.below.length > 0) found[next++] = node.below;
  if (at === path.length) {
    if (node.here.length > 0) found[next++] = node.here;
    return next;
  }
  const { literals, parameter } = node;
  if (literals === undefined && parameter === undefined) return next;
  let hash = HASH_SEED;
  let end = at + 1;
  for (; end < path.length; end++) {
    const code = path.charCodeAt(end);
    if (code === SLASH) break;
    hash = mix(hash, code);
  }
  const literal = literals?.get(hash);
  if (literal !== undefined) next = visit(literal, path, end, found, next);
  if (parameter !== undefined && end > at + 1) next = visit(parameter, path, end, found, next);
  return next;
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
