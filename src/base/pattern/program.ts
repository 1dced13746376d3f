import { type Node, PatternError, type Ranges, type Syntax } from "./syntax.ts";

/** What a thread of the automaton does at one step. Threads in front are preferred. */
export type Step =
  | { readonly kind: "set"; readonly ranges: Ranges } // takes one code unit, goes on to the next step
  | { readonly kind: "fork"; readonly first: number; readonly other: number }
  | { readonly kind: "jump"; readonly to: number }
  | { readonly kind: "save"; readonly slot: number }
  | { readonly kind: "forget"; readonly first: number; readonly last: number } // slots
  | { readonly kind: "start" | "end" | "match" };

export interface Program {
  readonly steps: readonly Step[];
  readonly slotCount: number; // two a group, the whole match first
  readonly names: ReadonlyMap<string, number>;
}

const STEPS_MAX = 4000; // what counted repetition may unfold to

/** Thompson's construction. The first two steps are a lazy loop, since a match may begin anywhere. */
export function compileSyntax(syntax: Syntax): Program {
  const out: Step[] = [];
  out.push({ kind: "fork", first: 3, other: 1 });
  out.push({ kind: "set", ranges: [0, 0xffff] });
  out.push({ kind: "jump", to: 0 });
  out.push({ kind: "save", slot: 0 });
  emit(out, syntax.node);
  out.push({ kind: "save", slot: 1 });
  out.push({ kind: "match" });
  return { steps: out, slotCount: 2 + 2 * syntax.groupCount, names: new Map(syntax.names) };
}

function emit(out: Step[], node: Node): void {
  if (out.length > STEPS_MAX) throw new PatternError("repetition that grows too large", 0);
  switch (node.kind) {
    case "set":
      out.push({ kind: "set", ranges: node.ranges });
      return;
    case "start":
    case "end":
      out.push({ kind: node.kind });
      return;
    case "sequence":
      for (const each of node.nodes) emit(out, each);
      return;
    case "group":
      out.push({ kind: "save", slot: node.number * 2 });
      emit(out, node.node);
      out.push({ kind: "save", slot: node.number * 2 + 1 });
      return;
    case "either":
      emitEither(out, node.nodes);
      return;
    case "repeat":
      emitRepeat(out, node);
  }
}

function emitEither(out: Step[], nodes: readonly Node[]): void {
  const jumps: number[] = [];
  for (const [index, node] of nodes.entries()) {
    if (index === nodes.length - 1) {
      emit(out, node);
      break;
    }
    const fork = reserve(out);
    emit(out, node);
    jumps.push(reserve(out));
    out[fork] = { kind: "fork", first: fork + 1, other: out.length };
  }
  for (const jump of jumps) out[jump] = { kind: "jump", to: out.length };
}

function emitRepeat(out: Step[], node: Extract<Node, { kind: "repeat" }>): void {
  for (let count = 0; count < node.min; count++) emitOnce(out, node.node);
  if (node.max === Number.POSITIVE_INFINITY) {
    const fork = reserve(out);
    emitOnce(out, node.node);
    out.push({ kind: "jump", to: fork });
    out[fork] = forkTo(fork + 1, out.length, node.isLazy);
    return;
  }
  const forks: number[] = [];
  for (let count = node.min; count < node.max; count++) {
    forks.push(reserve(out));
    emitOnce(out, node.node);
  }
  for (const fork of forks) out[fork] = forkTo(fork + 1, out.length, node.isLazy);
}

/** ECMAScript forgets what a group held when its repetition begins anew. */
function emitOnce(out: Step[], node: Node): void {
  const groups = groupsOf(node);
  if (groups.length > 0) {
    out.push({ kind: "forget", first: groups[0]! * 2, last: groups.at(-1)! * 2 + 1 });
  }
  emit(out, node);
}

function groupsOf(node: Node): number[] {
  if (node.kind === "group") return [node.number, ...groupsOf(node.node)];
  if (node.kind === "repeat") return groupsOf(node.node);
  return node.kind === "sequence" || node.kind === "either" ? node.nodes.flatMap(groupsOf) : [];
}

function forkTo(body: number, after: number, isLazy: boolean): Step {
  return { kind: "fork", first: isLazy ? after : body, other: isLazy ? body : after };
}

function reserve(out: Step[]): number {
  return out.push({ kind: "jump", to: 0 }) - 1;
}
