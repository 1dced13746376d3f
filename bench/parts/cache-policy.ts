/** Who stays in a cache of so many bytes. A model: it knows keys and sizes, and no bodies. */
export interface Policy {
  /** True: it was there. Else it is admitted, where the policy wants it. */
  access(key: string, bytes: number): boolean;
}

export type PolicyMaker = (capacityBytes: number) => Policy;

interface Node {
  readonly key: string;
  readonly bytes: number;
  visits: number;
  queue: Queue;
}

/** A queue of whole entries that knows their bytes; a Map keeps the order in which they came. */
class Queue {
  readonly nodes = new Map<string, Node>();
  bytes = 0;

  push(node: Node): void {
    node.queue = this;
    this.nodes.set(node.key, node);
    this.bytes += node.bytes;
  }

  delete(node: Node): void {
    if (this.nodes.delete(node.key)) this.bytes -= node.bytes;
  }

  oldest(): Node | undefined {
    return this.nodes.values().next().value;
  }
}

export const lru: PolicyMaker = (capacity) => {
  const queue = new Queue();
  return {
    access(key, bytes) {
      const node = queue.nodes.get(key);
      if (node !== undefined) {
        queue.delete(node);
        queue.push(node);
        return true;
      }
      if (bytes > capacity) return false;
      while (queue.bytes + bytes > capacity) queue.delete(queue.oldest()!);
      queue.push({ key, bytes, visits: 0, queue });
      return false;
    },
  };
};

/** Zhang et al., NSDI 2024: a hand goes from the oldest to the newest and takes who was not visited. */
export const sieve: PolicyMaker = (capacity) => {
  interface Linked {
    readonly key: string;
    readonly bytes: number;
    isVisited: boolean;
    newer: Linked | undefined;
    older: Linked | undefined;
  }
  const entries = new Map<string, Linked>();
  let newest: Linked | undefined;
  let oldest: Linked | undefined;
  let hand: Linked | undefined;
  let total = 0;
  const evict = () => {
    let at = hand ?? oldest!;
    while (at.isVisited) {
      at.isVisited = false;
      at = at.newer ?? oldest!;
    }
    hand = at.newer;
    if (at.newer === undefined) newest = at.older;
    else at.newer.older = at.older;
    if (at.older === undefined) oldest = at.newer;
    else at.older.newer = at.newer;
    entries.delete(at.key);
    total -= at.bytes;
  };
  return {
    access(key, bytes) {
      const entry = entries.get(key);
      if (entry !== undefined) {
        entry.isVisited = true;
        return true;
      }
      if (bytes > capacity) return false;
      while (total + bytes > capacity) evict();
      const made: Linked = { key, bytes, isVisited: false, newer: undefined, older: newest };
      if (newest !== undefined) newest.newer = made;
      newest = made;
      oldest ??= made;
      entries.set(key, made);
      total += bytes;
      return false;
    },
  };
};

const VISITS_MAX = 3;

/**
 * Yang et al., SOSP 2023: who comes for the first time stays in a small queue, and only who is asked
 * for again there, or soon after it has left, comes into the main one.
 */
export const s3fifo: PolicyMaker = (capacity) => {
  const small = new Queue();
  const main = new Queue();
  const ghosts = new Queue();
  const smallMax = capacity / 10;
  const leave = (node: Node) => {
    ghosts.push({ ...node, visits: 0 });
    while (ghosts.bytes > capacity - smallMax) ghosts.delete(ghosts.oldest()!);
  };
  const evictMain = () => {
    for (;;) {
      const node = main.oldest()!;
      main.delete(node);
      if (node.visits === 0) return;
      node.visits--;
      main.push(node);
    }
  };
  const evict = () => {
    while (small.bytes > smallMax || main.bytes === 0) {
      const node = small.oldest()!;
      small.delete(node);
      if (node.visits > 0) {
        node.visits = 0;
        main.push(node);
        continue;
      }
      leave(node);
      return;
    }
    evictMain();
  };
  return {
    access(key, bytes) {
      const node = small.nodes.get(key) ?? main.nodes.get(key);
      if (node !== undefined) {
        node.visits = Math.min(node.visits + 1, VISITS_MAX);
        return true;
      }
      if (bytes > capacity) return false;
      while (small.bytes + main.bytes + bytes > capacity) evict();
      const ghost = ghosts.nodes.get(key);
      if (ghost !== undefined) ghosts.delete(ghost);
      const queue = ghost === undefined ? small : main;
      queue.push({ key, bytes, visits: 0, queue });
      return false;
    },
  };
};

/** Counts how often keys were asked for lately, four bits each, in four rows; halved in time. */
class Sketch {
  readonly #rows: readonly Uint8Array[];
  readonly #mask: number;
  #left: number;

  constructor(count: number) {
    const size = 2 ** Math.ceil(Math.log2(Math.max(count, 64)));
    this.#rows = Array.from({ length: 4 }, () => new Uint8Array(size));
    this.#mask = size - 1;
    this.#left = size * 10;
  }

  add(key: string): void {
    for (const [row, cells] of this.#rows.entries()) {
      const at = hash(key, row) & this.#mask;
      if (cells[at]! < 15) cells[at]!++;
    }
    if (--this.#left > 0) return;
    this.#left = (this.#mask + 1) * 5;
    for (const cells of this.#rows) for (const at of cells.keys()) cells[at]! >>= 1;
  }

  of(key: string): number {
    return Math.min(...this.#rows.map((cells, row) => cells[hash(key, row) & this.#mask]!));
  }
}

function hash(key: string, seed: number): number {
  let word = 0x811c9dc5 ^ (seed * 0x9e3779b9);
  for (let at = 0; at < key.length; at++) word = Math.imul(word ^ key.charCodeAt(at), 0x01000193);
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  return (word ^ (word >>> 13)) >>> 0;
}

/**
 * Einziger et al., ToS 2017: a window of 1 % for newcomers; who leaves it comes into the main part
 * only if it was asked for more often than whoever would have to go.
 */
export const wTinyLfu: PolicyMaker = (capacity) => {
  const window = new Queue();
  const probation = new Queue();
  const guarded = new Queue();
  const windowMax = capacity / 100;
  const mainMax = capacity - windowMax;
  const sketch = new Sketch(200_000);
  const refresh = (node: Node) => {
    const { queue } = node;
    queue.delete(node);
    if (queue === window) return window.push(node);
    guarded.push(node);
    while (guarded.bytes > mainMax * 0.8) {
      const oldest = guarded.oldest()!;
      guarded.delete(oldest);
      probation.push(oldest);
    }
  };
  const admit = (node: Node) => {
    while (probation.bytes + guarded.bytes + node.bytes > mainMax) {
      const victim = probation.oldest() ?? guarded.oldest();
      if (victim === undefined || sketch.of(victim.key) >= sketch.of(node.key)) return;
      victim.queue.delete(victim);
    }
    probation.push(node);
  };
  return {
    access(key, bytes) {
      sketch.add(key);
      const node = window.nodes.get(key) ?? probation.nodes.get(key) ?? guarded.nodes.get(key);
      if (node !== undefined) {
        refresh(node);
        return true;
      }
      if (bytes > mainMax) return false;
      window.push({ key, bytes, visits: 0, queue: window });
      while (window.bytes > windowMax) {
        const oldest = window.oldest()!;
        window.delete(oldest);
        admit(oldest);
      }
      return false;
    },
  };
};

const SEGMENTS = 64;
const KEPT_SHARE = 2;

/**
 * As on disk: the oldest segment goes as a whole, and who was asked for since it was written is
 * written once more, up to half a segment of them. Two segments are kept free, or are being written.
 */
export const segments: PolicyMaker = (capacity) => {
  interface Placed {
    readonly key: string;
    readonly bytes: number;
    visits: number;
    segment: number;
  }
  const segmentBytes = capacity / SEGMENTS;
  const entries = new Map<string, Placed>();
  const written: { id: number; bytes: number; all: Placed[] }[] = [];
  let newest = 0;
  const write = (placed: Placed) => {
    const last = written.at(-1)!;
    placed.segment = last.id;
    last.all.push(placed);
    last.bytes += placed.bytes;
    entries.set(placed.key, placed);
  };
  const begin = () => {
    written.push({ id: ++newest, bytes: 0, all: [] });
    while (written.length > SEGMENTS - 1) {
      const gone = written.shift()!;
      for (const placed of gone.all) {
        if (entries.get(placed.key) !== placed || placed.segment !== gone.id) continue;
        const isKept = placed.visits > 0 && written.at(-1)!.bytes < segmentBytes / KEPT_SHARE;
        placed.visits--;
        if (isKept) write(placed);
        else entries.delete(placed.key);
      }
    }
  };
  begin();
  return {
    access(key, bytes) {
      const found = entries.get(key);
      if (found !== undefined) {
        found.visits = Math.min(3, found.visits + 1);
        return true;
      }
      if (bytes > capacity / 4) return false;
      if (written.at(-1)!.bytes + bytes > segmentBytes) begin();
      write({ key, bytes, visits: 0, segment: 0 });
      return false;
    },
  };
};

const fifoOf: PolicyMaker = (capacity) => {
  const queue = new Queue();
  return {
    access(key, bytes) {
      if (queue.nodes.has(key)) return true;
      if (bytes > capacity) return false;
      while (queue.bytes + bytes > capacity) queue.delete(queue.oldest()!);
      queue.push({ key, bytes, visits: 0, queue });
      return false;
    },
  };
};

export const POLICIES: Readonly<Record<string, PolicyMaker>> = {
  ...{ lru, sieve, s3fifo, wTinyLfu },
  ...{ segments, fifo: fifoOf },
};
