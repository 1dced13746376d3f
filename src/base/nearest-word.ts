const WORD_CHARS_MAX = 64; // the table below grows with the square

/** "did you mean": the known word nearest to one that is not known, if any is near. */
export function nearestWord(word: string, known: Iterable<string>): string | undefined {
  if (word.length > WORD_CHARS_MAX) return undefined;
  const wanted = folded(word);
  let nearest: string | undefined;
  // A third of the letters may be wrong, but not all of them.
  let least = Math.min(Math.max(1, Math.floor(wanted.length / 3)) + 1, wanted.length);
  for (const candidate of known) {
    if (candidate.length > WORD_CHARS_MAX) continue;
    const edits = editDistance(wanted, folded(candidate));
    if (edits < least) {
      least = edits;
      nearest = candidate;
    }
  }
  return nearest;
}

/** Case, dashes and underscores are no difference: client_ip is clientIp. */
function folded(word: string): string {
  return word.toLowerCase().replace(/[-_]/g, "");
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
export function editDistance(from: string, to: string): number {
  let before: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      let cost = Math.min(last[column]! + 1, current[column - 1]! + 1, last[column - 1]! + +!same);
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      if (row > 1 && column > 1 && swapped) cost = Math.min(cost, before[column - 2]! + 1);
      current.push(cost);
    }
    before = last;
    last = current;
  }
  return last[to.length]!;
}
