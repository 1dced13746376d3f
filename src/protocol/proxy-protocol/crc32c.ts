// Castagnoli's polynomial, reflected.
const POLYNOMIAL = 0x82f63b78;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ POLYNOMIAL : rest >>> 1;
  return rest;
});

/** CRC32c of bytes[at..end), with the four bytes from `zeroAt` on taken as zero. */
export function crc32c(bytes: Uint8Array, at: number, end: number, zeroAt: number): number {
  let sum = 0xffffffff;
  for (let index = at; index < end; index++) {
    const byte = index >= zeroAt && index < zeroAt + 4 ? 0 : bytes[index]!;
    sum = (sum >>> 8) ^ TABLE[(sum ^ byte) & 0xff]!;
  }
  return (sum ^ 0xffffffff) >>> 0;
}
