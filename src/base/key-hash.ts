/**
 * Numbers for keys, the same on every machine and in every release: who is served by whom must not
 * change with a restart. Not for secrets, and no defence against keys that are made to collide:
 * whoever uses these bounds what one place can get.
 */

/** FNV-1a over the code units, then mixed. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return mixWord(hash);
}

/** MurmurHash3's finalizer: every bit of the input moves every bit of the answer. */
export function mixWord(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

const WORDS = 2 ** 32;

/**
 * How far `place` is for this key: the nearest one wins ("rendezvous hashing"). With one weight more
 * or less only the keys of that place move, and twice the weight wins twice as many keys.
 */
export function weighedDistance(key: number, place: number, weight: number): number {
  return -Math.log((mixWord(key ^ place) + 0.5) / WORDS) / weight;
}

/** A hash as a share of one, from 0 up to but not 1. */
export function shareOf(hash: number): number {
  return hash / WORDS;
}
