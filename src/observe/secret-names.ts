/**
 * Which query parameters carry secrets; "*token" is every name that ends so.
 *
 * Names are compared by their letters and digits alone, without the digits at the end, so that
 * access_token, accessToken, access%5Ftoken, user[access_token] and accessToken[0] are all one.
 */
export const SECRET_NAMES: readonly string[] = [
  ...["*token", "*secret", "*password", "*passwd", "*passphrase", "*signature", "*credential"],
  ...["*credentials", "*assertion", "*apikey", "*accesskey", "*privatekey", "*jwt", "*sessionid"],
  ...["key", "pass", "pwd", "auth", "authorization", "sig", "hmac", "code", "otp", "ticket"],
  ...["session", "sid", "state", "nonce"],
];

// The letter or digit a byte counts as, small; 0 for what is passed over.
const COUNTED = new Uint8Array(256);
for (let code = 0x30; code <= 0x39; code++) COUNTED[code] = code;
for (let code = 0x61; code <= 0x7a; code++) {
  COUNTED[code] = code;
  COUNTED[code - 0x20] = code;
}

const PERCENT = 0x25;
const DIGIT_MAX = 0x39;

export class SecretNames {
  readonly #whole: ReadonlySet<string>;
  readonly #endings: readonly string[];
  readonly #lastTwo: Uint8Array; // by the last two letters: 1 if some secret ends so

  constructor(names: readonly string[] = SECRET_NAMES) {
    const endings = names.filter((name) => name.startsWith("*")).map(plainName);
    const whole = names.filter((name) => !name.startsWith("*")).map(plainName);
    this.#endings = endings.filter((name) => name !== "");
    this.#whole = new Set(whole.filter((name) => name !== ""));
    this.#lastTwo = new Uint8Array(128 * 128);
    for (const name of this.#whole) this.#lastTwo[lastTwo(name, 0, name.length)] = 1;
    for (const name of this.#endings) this.#markEnding(name);
  }

  #markEnding(name: string): void {
    const last = lastTwo(name, 0, name.length);
    this.#lastTwo[last] = 1;
    if (name.length > 1) return;
    for (let before = 0; before < 128; before++) this.#lastTwo[before * 128 + last] = 1;
  }

  /** Is text[from..to), a parameter's name as it arrived, that of a secret? */
  has(text: string, from: number, to: number): boolean {
    // Most names end here, with no string made.
    if (this.#lastTwo[lastTwo(text, from, to)] === 0 && !isEncoded(text, from, to)) return false;
    const plain = plainName(text.slice(from, to));
    return this.#whole.has(plain) || this.#endings.some((ending) => plain.endsWith(ending));
  }
}

/** The last letters of the plain name as one number, the one before the last times 128. */
function lastTwo(text: string, from: number, to: number): number {
  let last = 0;
  for (let index = to - 1; index >= from; index--) {
    const code = text.charCodeAt(index);
    const counted = code < 256 ? COUNTED[code]! : 0;
    if (counted === 0 || (last === 0 && counted <= DIGIT_MAX)) continue;
    if (last !== 0) return counted * 128 + last;
    last = counted;
  }
  return last;
}

function isEncoded(text: string, from: number, to: number): boolean {
  for (let index = from; index < to; index++) {
    if (text.charCodeAt(index) === PERCENT) return true;
  }
  return false;
}

function plainName(name: string): string {
  // Twice, because an application behind one more proxy may decode twice.
  const decoded = percentDecoded(percentDecoded(name));
  return decoded
    .toLowerCase()
    .replace(/[^a-z0-9]/g, "")
    .replace(/[0-9]+$/, "");
}

/** Byte by byte and not decodeURIComponent, which throws on what is not UTF-8. */
function percentDecoded(text: string): string {
  if (!text.includes("%")) return text;
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
