/** What of a TLS ClientHello decides where its connection goes, and which certificate it gets. */
export interface ClientHello {
  readonly serverName: string; // lower case; "" if it names none
  readonly alpn: readonly string[]; // latin1, as offered
  readonly cipherSuites: readonly number[];
  readonly signatureSchemes: readonly number[]; // none: it is older than them
  readonly versions: readonly number[]; // 0x304 is TLS 1.3; none: 1.2 at most
  readonly ticketName: string; // hexadecimal: how the ticket begins that it would resume with; "" without
}

/**
 * The body of a ClientHello (RFC 8446 §4.1.2), bytes[0..end). A string says what is wrong with it:
 * two readers that take a name out of a malformed one may take different names.
 */
export function parseClientHello(bytes: Uint8Array, end: number): ClientHello | string {
  const cursor = new Cursor(bytes, 0, end);
  cursor.skip(2 + 32); // legacy_version, random
  cursor.skip(cursor.number(1)); // legacy_session_id
  const cipherSuites = cursor.numbers(2);
  cursor.skip(cursor.number(1)); // legacy_compression_methods
  if (cursor.isCut) return "it is cut short";
  if (cursor.isOver) return { ...NOTHING_SAID, cipherSuites }; // TLS 1.2 may have no extensions
  const extensions = cursor.part(2);
  if (extensions === undefined || !cursor.isOver) return "the length of its extensions is wrong";
  const said = readExtensions(extensions);
  return typeof said === "string" ? said : { ...said, cipherSuites };
}

type Extensions = Omit<ClientHello, "cipherSuites">;

const NOTHING_SAID: Extensions = {
  serverName: "",
  alpn: [],
  signatureSchemes: [],
  versions: [],
  ticketName: "",
};
const SERVER_NAME = 0;
const SIGNATURE_ALGORITHMS = 13;
const ALPN = 16;
const SESSION_TICKET = 35;
const PRE_SHARED_KEY = 41;
const SUPPORTED_VERSIONS = 43;

function readExtensions(extensions: Cursor): Extensions | string {
  let serverName: string | undefined;
  let alpn: readonly string[] | undefined;
  let signatureSchemes: readonly number[] = [];
  let versions: readonly number[] = [];
  let ticketName = "";
  while (!extensions.isOver) {
    const type = extensions.number(2);
    const body = extensions.part(2);
    if (body === undefined) return "an extension is longer than the message";
    if (type === SERVER_NAME) {
      if (serverName !== undefined) return "it has two server_name extensions";
      const read = readServerName(body);
      if (typeof read !== "object") return read;
      serverName = read.name;
    } else if (type === ALPN) {
      if (alpn !== undefined) return "it has two ALPN extensions";
      const read = readProtocols(body);
      if (typeof read === "string") return read;
      alpn = read;
    } else if (type === SIGNATURE_ALGORITHMS) {
      signatureSchemes = body.numbers(2); // these two are OpenSSL's to judge
    } else if (type === SUPPORTED_VERSIONS) {
      versions = body.numbers(1);
    } else if (type === SESSION_TICKET) {
      ticketName = body.hex(TICKET_NAME_BYTES);
    } else if (type === PRE_SHARED_KEY) {
      ticketName = body.part(2)?.part(2)?.hex(TICKET_NAME_BYTES) ?? ""; // of the first identity
    }
  }
  return { serverName: serverName ?? "", alpn: alpn ?? [], signatureSchemes, versions, ticketName };
}

const TICKET_NAME_BYTES = 16; // RFC 5077 §4
const HOST_NAME = 0;
// RFC 6066 §3: ASCII letters as in DNS, no final dot. Underscores and addresses do occur.
const NAME = /^(?!\.)[A-Za-z0-9_.:-]{1,253}(?<!\.)$/;

/** RFC 6066 §3: a list that may hold no two names of one type, and there is but one type. */
function readServerName(body: Cursor): { readonly name: string } | string {
  const list = body.part(2);
  if (list === undefined || !body.isOver) return "the length of its server names is wrong";
  const type = list.number(1);
  const name = list.part(2);
  if (name === undefined || type !== HOST_NAME) return "its server name is malformed";
  if (!list.isOver) return "it has two server names";
  const text = name.text();
  return NAME.test(text) ? { name: text.toLowerCase() } : "its server name is no name of a host";
}

/** RFC 7301 §3.1 */
function readProtocols(body: Cursor): readonly string[] | string {
  const list = body.part(2);
  if (list === undefined || !body.isOver) return "the length of its protocols is wrong";
  const protocols: string[] = [];
  while (!list.isOver) {
    const protocol = list.part(1);
    if (protocol === undefined || protocol.isOver) return "a protocol of its ALPN is malformed";
    protocols.push(protocol.text());
  }
  return protocols.length === 0 ? "its ALPN is empty" : protocols;
}

/** Reads forward; once it has run past the end it stays cut, and numbers are 0. */
class Cursor {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.#bytes = bytes;
    this.#end = end;
    this.#at = at;
  }

  get isOver(): boolean {
    return this.#at === this.#end;
  }

  get isCut(): boolean {
    return this.#at > this.#end;
  }

  skip(count: number): void {
    this.#at += count;
  }

  number(bytes: 1 | 2): number {
    const at = this.#at;
    this.#at += bytes;
    if (this.#at > this.#end) return 0;
    return bytes === 1 ? this.#bytes[at]! : this.#bytes[at]! * 256 + this.#bytes[at + 1]!;
  }

  /** What follows its own length; undefined if that is more than there is. */
  part(lengthBytes: 1 | 2): Cursor | undefined {
    const count = this.number(lengthBytes);
    const at = this.#at;
    this.#at += count;
    return this.#at > this.#end ? undefined : new Cursor(this.#bytes, at, this.#at);
  }

  /** A list of two-byte numbers behind its own length. */
  numbers(lengthBytes: 1 | 2): readonly number[] {
    const list = this.part(lengthBytes);
    const numbers: number[] = [];
    if (list === undefined) return numbers;
    while (list.#at + 1 < list.#end) numbers.push(list.number(2));
    return numbers;
  }

  /** The first bytes; "" if there are fewer. */
  hex(count: number): string {
    if (this.#at + count > this.#end) return "";
    return Buffer.from(this.#bytes.subarray(this.#at, this.#at + count)).toString("hex");
  }

  text(): string {
    return Buffer.from(this.#bytes.subarray(this.#at, this.#end)).toString("latin1");
  }
}
