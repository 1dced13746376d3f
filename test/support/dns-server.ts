import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer, isIPv4, isIPv6, type Server } from "node:net";

export interface SrvRecord {
  readonly host: string;
  readonly port: number;
  readonly priority?: number;
  readonly weight?: number;
}

/** What is said of a name: its records, or how it is refused. */
export type Zone =
  | { readonly ttl?: number; readonly a?: readonly string[]; readonly srv?: readonly SrvRecord[] }
  | "NXDOMAIN"
  | "SERVFAIL"
  | "silence"
  | "garbage"
  | "cut"; // over UDP: ask again over TCP

const TYPES: Readonly<Record<number, string>> = { 1: "A", 28: "AAAA", 33: "SRV" };
const CODES = { NXDOMAIN: 3, SERVFAIL: 2 } as const;

/** A name server on a port of this machine, UDP and TCP, whose zones a test writes. */
export class DnsServer {
  readonly zones = new Map<string, Zone>();
  readonly asked: string[] = []; // "A app.test", with "/tcp" behind if it was
  readonly address: string;
  readonly #udp: Socket;
  readonly #tcp: Server;

  static async open(): Promise<DnsServer> {
    // The port has to be free twice.
    for (let tries = 0; ; tries++) {
      const tcp = createServer();
      tcp.listen(0, "127.0.0.1");
      await once(tcp, "listening");
      const { port } = tcp.address() as AddressInfo;
      const udp = createSocket("udp4");
      try {
        udp.bind(port, "127.0.0.1");
        await once(udp, "listening");
        return new DnsServer(udp, tcp, port);
      } catch (error) {
        tcp.close();
        if (tries === 10) throw error;
      }
    }
  }

  private constructor(udp: Socket, tcp: Server, port: number) {
    this.#udp = udp;
    this.#tcp = tcp;
    this.address = `127.0.0.1:${port}`;
    udp.on("message", (query, from) => {
      const answer = this.#answer(query, "");
      if (answer !== undefined) udp.send(answer, from.port, from.address);
    });
    tcp.on("connection", (socket) => {
      socket.on("error", () => {});
      socket.on("data", (bytes: Buffer) => {
        const answer = this.#answer(bytes.subarray(2), "/tcp");
        if (answer === undefined) return;
        const length = Buffer.alloc(2);
        length.writeUInt16BE(answer.length);
        socket.write(Buffer.concat([length, answer]));
      });
    });
  }

  async close(): Promise<void> {
    this.#udp.close();
    this.#tcp.close();
  }

  #answer(query: Buffer, transport: string): Buffer | undefined {
    const { name, end } = readName(query, 12);
    const type = TYPES[query.readUInt16BE(end)] ?? "other";
    this.asked.push(`${type} ${name}${transport}`);
    const zone = this.zones.get(name) ?? "NXDOMAIN";
    if (zone === "silence") return undefined;
    if (zone === "garbage") return Buffer.concat([query.subarray(0, 2), Buffer.alloc(40, 0xff)]);
    const question = query.subarray(12, end + 4);
    if (zone === "cut") {
      if (transport === "") return message(query, question, { isCut: true, code: 0, records: [] });
      return message(query, question, { isCut: false, code: 0, records: records(type, CUT) });
    }
    if (typeof zone === "string") {
      return message(query, question, { isCut: false, code: CODES[zone], records: [] });
    }
    return message(query, question, { isCut: false, code: 0, records: records(type, zone) });
  }
}

/** What a zone that is cut over UDP has over TCP. */
const CUT = { a: ["127.0.0.1"] };

function records(type: string, zone: Exclude<Zone, string>): Buffer[] {
  const { a = [], srv = [], ttl = 60 } = zone;
  if (type === "A") return a.filter(isIPv4).map((host) => record(1, ttl, v4(host)));
  if (type === "AAAA") return a.filter(isIPv6).map((host) => record(28, ttl, v6(host)));
  if (type !== "SRV") return [];
  return srv.map(({ host, port, priority = 0, weight = 1 }) => {
    const fixed = Buffer.alloc(6);
    fixed.writeUInt16BE(priority, 0);
    fixed.writeUInt16BE(weight, 2);
    fixed.writeUInt16BE(port, 4);
    return record(33, ttl, Buffer.concat([fixed, nameBytes(host)]));
  });
}

function record(type: number, ttl: number, data: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0); // the name of the question
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(ttl, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

interface Answered {
  readonly isCut: boolean;
  readonly code: number;
  readonly records: readonly Buffer[];
}

function message(query: Buffer, question: Buffer, { isCut, code, records }: Answered): Buffer {
  const head = Buffer.alloc(12);
  query.copy(head, 0, 0, 2);
  head.writeUInt16BE(0x8180 | (isCut ? 0x0200 : 0) | code, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(records.length, 6);
  return Buffer.concat([head, question, ...records]);
}

function readName(bytes: Buffer, from: number): { readonly name: string; readonly end: number } {
  const labels: string[] = [];
  let at = from;
  for (let length = bytes[at]!; length > 0; length = bytes[at]!) {
    labels.push(bytes.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join(".").toLowerCase(), end: at + 1 };
}

function nameBytes(name: string): Buffer {
  const labels = name.split(".").filter((label) => label !== "");
  const parts = labels.flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)]);
  return Buffer.concat([...parts, Buffer.from([0])]);
}

function v4(host: string): Buffer {
  return Buffer.from(host.split(".").map(Number));
}

function v6(host: string): Buffer {
  const [head = "", tail = ""] = host.split("::");
  const left = head.split(":").filter((part) => part !== "");
  const right = tail.split(":").filter((part) => part !== "");
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => "0");
  const bytes = Buffer.alloc(16);
  for (const [index, part] of [...left, ...zeros, ...right].entries()) {
    bytes.writeUInt16BE(Number.parseInt(part, 16), index * 2);
  }
  return bytes;
}
