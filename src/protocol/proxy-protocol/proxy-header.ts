/** What a PROXY header says: whose connection this is, as the proxy before us saw it. */
export interface ProxyHeader {
  readonly version: 1 | 2;
  /**
   * undefined: LOCAL, UNKNOWN, or a kind of address that is no IP address. The connection is the
   * proxy's own (a health check, say), so the addresses of the wire count.
   */
  readonly ends: ProxiedEnds | undefined;
  readonly facts: ProxyFacts;
}

/** The two ends of the connection that the client made. */
export interface ProxiedEnds {
  readonly source: ProxiedAddress;
  readonly destination: ProxiedAddress;
}

export interface ProxiedAddress {
  readonly host: string; // an IP address in its one spelling
  readonly port: number;
}

/** What version 2 tells beside the addresses; "" and undefined where it does not. */
export interface ProxyFacts {
  readonly authority: string; // the name that the client asked for: its SNI
  readonly alpn: string; // the protocol that was agreed on
  readonly uniqueId: string; // latin1: any bytes
  readonly isTls: boolean; // the client came over TLS, which ended before us
}

export const NO_FACTS: ProxyFacts = { authority: "", alpn: "", uniqueId: "", isTls: false };

/** Version 1: the longest line that the specification allows, with its CRLF. */
export const V1_BYTES_MAX = 107;
/** Version 2: signature, command, family and length; the rest has the length that it says. */
export const V2_HEAD_BYTES = 16;
/** Of a whole version 2 header: as much as HAProxy and nginx take, far more than anyone sends. */
export const V2_BYTES_MAX = 4096;

export const V1_SIGNATURE = Buffer.from("PROXY ", "latin1");
export const V2_SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");

// What stands in the 13th and 14th byte of version 2.
export const VERSION_2 = 0x20;
export const COMMAND_LOCAL = 0x0;
export const COMMAND_PROXY = 0x1;
export const FAMILY_IPV4 = 0x10;
export const FAMILY_IPV6 = 0x20;
export const FAMILY_UNIX = 0x30;
export const STREAM = 0x1;

// Types of the values behind the addresses.
export const TYPE_ALPN = 0x01;
export const TYPE_AUTHORITY = 0x02;
export const TYPE_CRC32C = 0x03;
export const TYPE_UNIQUE_ID = 0x05;
export const TYPE_TLS = 0x20;
/** Of its value, before values of its own: what the client had, and how its certificate was found. */
export const TLS_BYTES_MIN = 5;
export const TLS_CLIENT = 0x01; // the client came over TLS

export const UNIQUE_ID_BYTES_MAX = 128;
