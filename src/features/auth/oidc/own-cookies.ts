/** Cookies of ours in a client's browser: a value may be longer than one cookie can be. */
import { cookieValue } from "../../../protocol/http/cookie.ts";
import type { HeaderList } from "../../../protocol/http/header-list.ts";

// Browsers keep 4096 bytes of name, value and attributes (RFC 6265bis §5.6); some of them less.
const PIECE_LENGTH = 3_800;
export const PIECES_MAX = 4; // 15 KiB: servers behind us take heads of 8 to 32 KiB

/**
 * Under `name` if it fits, else in pieces `name.0`, `name.1` …, each of which says how many there are.
 * __Host-: no other host and no page without TLS can set it. Lax: it comes along when a link leads
 * here from elsewhere, as the way back from a login does, and with nothing else that begins there.
 */
export class OwnCookie {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  /** undefined: there is none, or not all of it. */
  read(headers: HeaderList): string | undefined {
    const whole = cookieValue(headers, this.name);
    if (whole !== undefined) return whole;
    const first = cookieValue(headers, this.#piece(0));
    const [count = "", text] = first?.split(".") ?? [];
    if (text === undefined || !/^[2-9]$/.test(count)) return undefined;
    let all = text;
    for (let index = 1; index < Number(count); index++) {
      const piece = cookieValue(headers, this.#piece(index));
      if (piece === undefined) return undefined;
      all += piece;
    }
    return all;
  }

  /** Set-Cookie for it, and for those of an older value that are left over. undefined: too long. */
  write(value: string, headers: HeaderList, maxAgeS: number): readonly string[] | undefined {
    const pieces = piecesOf(value);
    if (pieces.length > PIECES_MAX) return undefined;
    const written = pieces.map(([suffix, text]) => setCookie(this.name + suffix, text, maxAgeS));
    const kept = new Set(pieces.map(([suffix]) => this.name + suffix));
    return [
      ...written,
      ...this.#there(headers)
        .filter((name) => !kept.has(name))
        .map(removed),
    ];
  }

  /** Set-Cookie that removes all of it. */
  remove(headers: HeaderList): readonly string[] {
    return this.#there(headers).map(removed);
  }

  /** The names that it may have. */
  get names(): readonly string[] {
    return [this.name, ...Array.from({ length: PIECES_MAX }, (_, index) => this.#piece(index))];
  }

  #there(headers: HeaderList): readonly string[] {
    return this.names.filter((name) => cookieValue(headers, name) !== undefined);
  }

  #piece(index: number): string {
    return `${this.name}.${index}`;
  }
}

function piecesOf(value: string): readonly (readonly [suffix: string, text: string])[] {
  if (value.length <= PIECE_LENGTH) return [["", value]];
  const count = Math.ceil(value.length / PIECE_LENGTH);
  return Array.from({ length: count }, (_, index) => {
    const text = value.slice(index * PIECE_LENGTH, (index + 1) * PIECE_LENGTH);
    return [`.${index}`, index === 0 ? `${count}.${text}` : text];
  });
}

export function setCookie(name: string, value: string, maxAgeS: number): string {
  return `${name}=${value}; Path=/; Max-Age=${maxAgeS}; Secure; HttpOnly; SameSite=Lax`;
}

export function removed(name: string): string {
  return setCookie(name, "", 0);
}
