/**
 * Bytes ↔ latin1 text without the checks of toString() and write(), which cost as much as the copy
 * for a head of a few hundred bytes. The methods are Node's own, present on every Buffer, and
 * merely missing from its documentation; src/base/latin1.test.ts holds their behavior.
 */
interface Latin1Buffer {
  latin1Slice(start: number, end: number): string;
  latin1Write(text: string, offset: number): number;
}

/** `start` and `end` must lie within the bytes. */
export function latin1Text(bytes: Buffer, start: number, end: number): string {
  return (bytes as unknown as Latin1Buffer).latin1Slice(start, end);
}

/** The text must fit: what does not is cut off. */
export function writeLatin1(bytes: Buffer, text: string, offset: number): void {
  (bytes as unknown as Latin1Buffer).latin1Write(text, offset);
}
