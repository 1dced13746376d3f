import { type ClientHello, parseClientHello } from "./client-hello.ts";

/** On the wire, records and all: a hello with post-quantum keys has some 2 KiB, Chrome's ECH 3. */
export const CLIENT_HELLO_BYTES_MAX = 64 * 1024;

export type ReadHello =
  | { readonly kind: "more" }
  | { readonly kind: "hello"; readonly hello: ClientHello }
  | { readonly kind: "refused"; readonly why: string };

const MORE: ReadHello = { kind: "more" };

const RECORD_HEAD_BYTES = 5;
const RECORD_BYTES_MAX = 16 * 1024;
const HANDSHAKE = 22;
const MESSAGE_HEAD_BYTES = 4;
const CLIENT_HELLO = 1;

/**
 * Reads the first message of a TLS connection, whichever way it is cut: into TCP segments, and into
 * records (RFC 8446 §5.1 lets a message span several). A peek that gives up at the first record
 * sends such a client where its name does not belong (SECURITY T3).
 *
 * Every byte is looked at once, however small the reads are.
 */
export class ClientHelloReader {
  #head: number[]; // of the current record, as far as it is here
  #recordLeft: number; // of its body
  #message: Buffer; // the handshake message so far
  #messageBytes: number;
  #wireBytes: number;

  constructor() {
    this.#head = [];
    this.#recordLeft = 0;
    this.#message = Buffer.allocUnsafe(2048);
    this.#messageBytes = 0;
    this.#wireBytes = 0;
  }

  /** The next bytes of the wire. What comes behind the hello is not looked at. */
  feed(bytes: Uint8Array): ReadHello {
    let at = 0;
    while (at < bytes.length) {
      if (this.#recordLeft === 0) {
        this.#head.push(bytes[at++]!);
        const why = this.#recordHeadFault();
        if (why !== undefined) return { kind: "refused", why };
        continue;
      }
      const end = Math.min(bytes.length, at + this.#recordLeft);
      this.#take(bytes, at, end);
      this.#recordLeft -= end - at;
      at = end;
      const read = this.#readMessage();
      if (read !== MORE) return read;
    }
    this.#wireBytes += bytes.length;
    if (this.#wireBytes >= CLIENT_HELLO_BYTES_MAX) return refused("it is too large");
    return MORE;
  }

  // RFC 8446 §5.1: type, a version that is to be ignored but begins with 3, and a length.
  #recordHeadFault(): string | undefined {
    const head = this.#head;
    const last = head.length - 1;
    if (last === 0 && head[0] !== HANDSHAKE) return "it is no TLS handshake";
    if (last === 1 && head[1] !== 3) return "its record has another version";
    if (head.length < RECORD_HEAD_BYTES) return undefined;
    const length = head[3]! * 256 + head[4]!;
    // Empty fragments are forbidden, and would let a client spin us.
    if (length === 0) return "a record of it is empty";
    if (length > RECORD_BYTES_MAX) return "a record of it is too long";
    this.#recordLeft = length;
    this.#head = [];
    return undefined;
  }

  #take(bytes: Uint8Array, at: number, end: number): void {
    const count = this.#messageBytes + end - at;
    if (count > this.#message.length) {
      const larger = Buffer.allocUnsafe(Math.max(count, this.#message.length * 2));
      this.#message.copy(larger, 0, 0, this.#messageBytes);
      this.#message = larger;
    }
    this.#message.set(bytes.subarray(at, end), this.#messageBytes);
    this.#messageBytes = count;
  }

  #readMessage(): ReadHello {
    const message = this.#message;
    if (message[0] !== CLIENT_HELLO) return refused("its first message is no ClientHello");
    if (this.#messageBytes < MESSAGE_HEAD_BYTES) return MORE;
    const end = MESSAGE_HEAD_BYTES + message.readUIntBE(1, 3);
    if (end > CLIENT_HELLO_BYTES_MAX) return refused("it is too large");
    if (this.#messageBytes < end) return MORE;
    const hello = parseClientHello(message.subarray(MESSAGE_HEAD_BYTES), end - MESSAGE_HEAD_BYTES);
    return typeof hello === "string" ? refused(hello) : { kind: "hello", hello };
  }
}

function refused(why: string): ReadHello {
  return { kind: "refused", why };
}
