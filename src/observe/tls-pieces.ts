import type { TlsFacts } from "../base/world.ts";
import { putPiece } from "./json-bytes.ts";
import { piece, putField } from "./line-fields.ts";

/** What a TLS handshake came to, as the log has it; the name that was asked for is not in here. */
export type TlsShown = Pick<TlsFacts, "version" | "cipher" | "alpn" | "isResumed">;

/** Of the keys and values of one piece, with room to spare: they are words of OpenSSL's and ours. */
export const TLS_PIECE_BYTES_MAX = 192;

const SNI = piece(',"sni":"');
const PIECES_MAX = 256; // what can be agreed on is some dozens

/** The same few pieces for all connections, and found at once for all exchanges of one. */
export class TlsPieces {
  readonly #ofConnections: WeakMap<TlsShown, Uint8Array>;
  readonly #pieces: Map<string, Uint8Array>;

  constructor() {
    this.#ofConnections = new WeakMap();
    this.#pieces = new Map();
  }

  put(block: Uint8Array, at: number, tls: TlsShown): number {
    return putPiece(block, at, this.#ofConnections.get(tls) ?? this.#find(tls));
  }

  #find(tls: TlsShown): Uint8Array {
    const { version, cipher, alpn, isResumed } = tls;
    const key = `${version} ${cipher} ${alpn} ${isResumed}`;
    const found = this.#pieces.get(key) ?? made(tls);
    if (this.#pieces.size < PIECES_MAX) this.#pieces.set(key, found);
    this.#ofConnections.set(tls, found);
    return found;
  }
}

function made({ version, cipher, alpn, isResumed }: TlsShown): Uint8Array {
  const fields = { tls: version, cipher, ...(alpn === "" ? {} : { alpn }), resumed: isResumed };
  return piece(`,${JSON.stringify(fields).slice(1, -1)}`);
}

/** The name in the hello, where it is another one than the host that was asked for then. */
export function putServerName(block: Uint8Array, at: number, name: string, host: string): number {
  return name === "" || name === host ? at : putField(block, at, SNI, name);
}
