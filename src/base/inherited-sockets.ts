import { closeSync, readFileSync, readlinkSync } from "node:fs";
import type { Address } from "./world.ts";

const FOREIGN = "SLUICE_HANDOVER_FOREIGN";
const FIRST_FD = 3; // sd_listen_fds(3)
const SOCKETS_MAX = 1_024;

/** What a process is started with. */
export interface Inheritance {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  readonly parentPid: number;
}

/**
 * Listening sockets that somebody else has opened for us: systemd (socket activation), or the
 * process that we take over from. Both say so in the same way:
 *
 *     LISTEN_FDS      how many there are, from descriptor 3 on
 *     LISTEN_PID      whom they are for: without it, SLUICE_HANDOVER_FROM says from whom, since
 *                     who starts a process does not know its number yet
 *     LISTEN_FDNAMES  what they are; ours are addresses, and those of others are looked up
 */
export class InheritedSockets {
  readonly #byAddress: Map<string, number[]>;
  /** Another user has opened them and keeps them open: nobody of us can share their ports. */
  readonly areForeign: boolean;

  static from({ env, pid, parentPid }: Inheritance): InheritedSockets {
    const count = Number(env["LISTEN_FDS"] ?? 0);
    const isForUs =
      Number(env["LISTEN_PID"]) === pid || Number(env["SLUICE_HANDOVER_FROM"]) === parentPid;
    if (!isForUs || !Number.isInteger(count) || count < 1 || count > SOCKETS_MAX) {
      return new InheritedSockets([]);
    }
    const names = (env["LISTEN_FDNAMES"] ?? "").split(":").map(decoded);
    const found: [string, number][] = [];
    for (let index = 0; index < count; index++) {
      const fd = FIRST_FD + index;
      const name = names[index] ?? "";
      const key = isAddress(name) ? name : addressOf(fd);
      if (key !== undefined) found.push([key, fd]);
    }
    const areForeign = env["LISTEN_PID"] !== undefined || env[FOREIGN] !== undefined;
    return new InheritedSockets(found, areForeign);
  }

  constructor(sockets: Iterable<readonly [string, number]>, areForeign = false) {
    this.#byAddress = new Map();
    this.areForeign = areForeign;
    for (const [key, fd] of sockets) {
      const others = this.#byAddress.get(key);
      if (others === undefined) this.#byAddress.set(key, [fd]);
      else others.push(fd);
    }
  }

  get addresses(): readonly string[] {
    return [...this.#byAddress.keys()];
  }

  has(address: Address): boolean {
    return this.#byAddress.has(keyOf(address));
  }

  /** Those of that address; they are the caller's from now on. */
  take(address: Address): readonly number[] {
    const key = keyOf(address);
    const sockets = this.#byAddress.get(key) ?? [];
    this.#byAddress.delete(key);
    return sockets;
  }

  /** Dealt out to so many workers: the kernel goes on to fill the queue of each socket. */
  share(worker: number, workers: number): [string, number][] {
    return [...this.#byAddress].flatMap(([key, fds]) =>
      fds.filter((_, index) => index % workers === worker).map((fd): [string, number] => [key, fd]),
    );
  }

  /** What nobody wants but those of these keys. The answer: what it was. */
  closeAllBut(wanted: ReadonlySet<string>): readonly string[] {
    const rest = [...this.#byAddress].filter(([key]) => !wanted.has(key));
    for (const [key, fds] of rest) {
      this.#byAddress.delete(key);
      for (const fd of fds) closeSync(fd);
    }
    return rest.map(([key]) => key);
  }
}

/** The variables that tell a child which of its descriptors is what. */
export function inheritanceFor(
  keys: readonly string[],
  { parentPid, areForeign }: { readonly parentPid: number; readonly areForeign: boolean },
): Record<string, string> {
  return {
    ...(areForeign ? { [FOREIGN]: "1" } : {}),
    LISTEN_FDS: String(keys.length),
    LISTEN_FDNAMES: keys.map((key) => encodeURIComponent(key)).join(":"),
    SLUICE_HANDOVER_FROM: String(parentPid),
  };
}

export const INHERITANCE_VARIABLES = [
  ...["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "SLUICE_HANDOVER_FROM", FOREIGN],
] as const;

function keyOf({ host, port }: Address): string {
  if (host.startsWith("/")) return `unix:${host}`;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

function isAddress(name: string): boolean {
  return name.startsWith("unix:/") || /^(?:[\d.]+|\[[0-9a-f:.]+\]):\d+$/.test(name);
}

/** Where a socket listens, by what the kernel tells; undefined where it does not. */
function addressOf(fd: number): string | undefined {
  try {
    const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1];
    if (inode === undefined) return undefined;
    return tcpAddress("tcp", inode) ?? tcpAddress("tcp6", inode) ?? unixAddress(inode);
  } catch {
    return undefined; // no such descriptor, or no /proc
  }
}

const LOCAL = 1; // columns of /proc/net/tcp
const INODE = 9;

function tcpAddress(table: "tcp" | "tcp6", inode: string): string | undefined {
  for (const line of readFileSync(`/proc/self/net/${table}`, "latin1").split("\n")) {
    const columns = line.trim().split(/\s+/);
    if (columns[INODE] !== inode) continue;
    const [host = "", port = ""] = (columns[LOCAL] ?? "").split(":");
    return keyOf({ host: hostOf(host), port: Number.parseInt(port, 16) });
  }
  return undefined;
}

/** Words of 32 bits in the order of this machine's bytes: little-endian wherever Node runs. */
function hostOf(hex: string): string {
  const bytes = Buffer.from(hex, "hex");
  bytes.swap32();
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16));
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}

function unixAddress(inode: string): string | undefined {
  for (const line of readFileSync("/proc/self/net/unix", "latin1").split("\n")) {
    const columns = line.trim().split(/\s+/);
    const path = columns[7];
    if (columns[6] === inode && path?.startsWith("/")) return `unix:${path}`;
  }
  return undefined;
}
