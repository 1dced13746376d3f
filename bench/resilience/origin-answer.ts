export const MOODS = ["normal", "slow", "hang", "reset", "garbage", "stall", "failing"] as const;
export type Mood = (typeof MOODS)[number];

export function isMood(word: string): word is Mood {
  return (MOODS as readonly string[]).includes(word);
}

const BYTES = 1_000;

/** What an origin says to a path: some 1,000 bytes that are meant for no other. */
export function answerTo(path: string): string {
  return `${path} `.repeat(Math.ceil(BYTES / (path.length + 1)));
}
