import { nearestWord } from "../base/nearest-word.ts";

/** What a message ends in: the known word that was meant, if one is near. */
export function didYouMean(word: string, known: Iterable<string>): string {
  const nearest = nearestWord(word, known);
  return nearest === undefined ? "" : `; did you mean ${nearest}?`;
}
