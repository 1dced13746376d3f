/**
 * The Huffman code of HPACK (RFC 7541 Appendix B). It is canonical: codes of one length follow each
 * other in the order of their symbols, so that the lengths are the whole of it.
 */
// biome-ignore format: a table
const LENGTHS = Uint8Array.of(
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
);
const EOS = 256;
const LENGTH_MAX = 30;

const CODES = new Uint32Array(LENGTHS.length);
{
  let code = 0;
  for (let length = 5; length <= LENGTH_MAX; length++) {
    for (let symbol = 0; symbol <= EOS; symbol++) {
      if (LENGTHS[symbol] === length) CODES[symbol] = code++;
    }
    code <<= 1;
  }
}

// Decoding takes four bits at a time through the code's tree: a state is one of its 256 inner nodes.
// No code is shorter than five bits, so that four of them complete one symbol at most.
const EMITS = 0x10000;
const FAILS = 0x20000;
const STEPS = new Uint32Array(256 * 16); // next state | symbol << 8 | EMITS; or FAILS
// Where an encoded string may end: at most seven bits into a symbol, all of them ones (§5.2).
const MAY_END = new Uint8Array(256);
buildSteps();

function buildSteps(): void {
  const children = new Int32Array(512); // a node's two: another node, or ~symbol
  let nodes = 1;
  for (let symbol = 0; symbol <= EOS; symbol++) {
    let node = 0;
    for (let bit = LENGTHS[symbol]! - 1; bit > 0; bit--) {
      const at = node * 2 + ((CODES[symbol]! >>> bit) & 1);
      if (children[at] === 0) children[at] = nodes++;
      node = children[at]!;
    }
    children[node * 2 + (CODES[symbol]! & 1)] = ~symbol;
  }
  for (let node = 0; node < nodes; node++) {
    for (let nibble = 0; nibble < 16; nibble++) {
      STEPS[node * 16 + nibble] = stepFrom(children, node, nibble);
    }
  }
  let node = 0;
  for (let depth = 0; depth < 8; depth++) {
    MAY_END[node] = 1;
    node = children[node * 2 + 1]!;
  }
}

function stepFrom(children: Int32Array, from: number, nibble: number): number {
  let node = from;
  let emitted = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const child = children[node * 2 + ((nibble >> bit) & 1)]!;
    if (child >= 0) {
      node = child;
      continue;
    }
    if (~child === EOS) return FAILS;
    emitted = (~child << 8) | EMITS;
    node = 0;
  }
  return node | emitted;
}

/** Room that bytes[at..end) may need when they are decoded. */
export function decodedBytesMax(encodedBytes: number): number {
  return ((encodedBytes * 8) / 5) | 0;
}

/** Decodes bytes[at..end) to the start of `out`; answers with the length, or -1 if it is malformed. */
export function decodeHuffman(bytes: Uint8Array, at: number, end: number, out: Uint8Array): number {
  let state = 0;
  let length = 0;
  for (let index = at; index < end; index++) {
    const byte = bytes[index]!;
    const high = STEPS[state * 16 + (byte >> 4)]!;
    if (high >= EMITS) {
      if (high >= FAILS) return -1;
      out[length++] = (high >> 8) & 0xff;
    }
    const low = STEPS[(high & 0xff) * 16 + (byte & 15)]!;
    if (low >= EMITS) {
      if (low >= FAILS) return -1;
      out[length++] = (low >> 8) & 0xff;
    }
    state = low & 0xff;
  }
  return MAY_END[state] === 1 ? length : -1;
}

/** How many bytes the latin1 text takes when encoded. */
export function huffmanBytes(text: string): number {
  let bits = 0;
  for (let index = 0; index < text.length; index++) bits += LENGTHS[text.charCodeAt(index) & 0xff]!;
  return (bits + 7) >> 3;
}

/** Encodes the latin1 text into `out` from `at`; answers with the position after it. */
export function encodeHuffman(text: string, out: Uint8Array, at: number): number {
  let next = at;
  let held = 0; // fewer than 8 bits between symbols
  let heldBits = 0;
  for (let index = 0; index < text.length; index++) {
    const symbol = text.charCodeAt(index) & 0xff;
    const code = CODES[symbol]!;
    let length = LENGTHS[symbol]!;
    if (length > 24) {
      // 7 held and 30 more would not fit into 32 bits.
      const high = length - 16;
      held = (held << high) | (code >>> 16);
      heldBits += high;
      while (heldBits >= 8) {
        heldBits -= 8;
        out[next++] = held >>> heldBits;
      }
      held &= (1 << heldBits) - 1;
      length = 16;
      held = (held << 16) | (code & 0xffff);
    } else {
      held = (held << length) | code;
    }
    heldBits += length;
    while (heldBits >= 8) {
      heldBits -= 8;
      out[next++] = held >>> heldBits;
    }
    held &= (1 << heldBits) - 1;
  }
  if (heldBits > 0) out[next++] = (held << (8 - heldBits)) | (0xff >> heldBits);
  return next;
}
