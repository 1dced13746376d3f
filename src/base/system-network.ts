import { chmodSync, lstatSync, renameSync, unlinkSync } from "node:fs";
import net from "node:net";
import { dirname, join } from "node:path";
import type { InheritedSockets } from "./inherited-sockets.ts";
import { ListenError } from "./listen-error.ts";
import { acceptTls } from "./system-accept-tls.ts";
import { bindDatagrams, connectDatagrams } from "./system-datagrams.ts";
import { acceptLending, BACKLOG, ignore, letGo, Porch } from "./system-porch.ts";
import { TlsConnector } from "./system-tls.ts";
import type {
  Address,
  Clock,
  DatagramDoor,
  DatagramReader,
  DatagramTaker,
  DatagramWire,
  Door,
  Log,
  Network,
  TlsClient,
  TlsServer,
  TlsTaker,
  Wire,
  WireReader,
} from "./world.ts";

export interface SystemNetworkOptions {
  /** Several threads bind the same port, and the kernel spreads connections over them. */
  readonly reusePort?: boolean;
  /** File mode of unix sockets; what the process's umask leaves by default. */
  readonly unixSocketMode?: number;
  /** Listening sockets that are there already. */
  readonly inherited?: InheritedSockets;
}

const READ_BYTES = 64 * 1024; // what Node itself would read at a time
const ACCEPT_WARNING_EVERY_MS = 10_000;

/** The machine's network. Every socket that comes out of here has an error handler (N1). */
export class SystemNetwork implements Network {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #options: SystemNetworkOptions;
  readonly #buffer: Buffer; // that accepted wires are read into, unless they say otherwise
  #tls: TlsConnector | undefined; // from the first secured wire on

  constructor(clock: Clock, log: Log, options: SystemNetworkOptions = {}) {
    this.#clock = clock;
    this.#log = log;
    this.#options = options;
    this.#buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    this.#tls = undefined;
  }

  async listen(address: Address, onWire: (wire: Wire) => void, holds = false): Promise<Door> {
    const { host } = address;
    const porch = new Porch(onWire, this.#buffer, holds);
    const inherited = this.#options.inherited?.take(address) ?? [];
    try {
      if (inherited.length > 0) {
        return allOf(await Promise.all(inherited.map((fd) => this.#bind(address, porch, { fd }))));
      }
      if (!host.startsWith("/")) {
        const { reusePort = false } = this.#options;
        return await this.#bind(address, porch, listenOptions(address, reusePort));
      }
      await refuseLiveSocket(host, this.#clock);
      return await this.#bind(address, porch, { path: pathBeside(host) });
    } catch (error) {
      throw new ListenError(address, error as NodeJS.ErrnoException);
    }
  }

  /**
   * With SO_REUSEPORT a second process of this user gets the port as well, and half of the
   * connections: whoever started the same proxy twice would learn nothing. So before the first of
   * us listens, nobody must answer there. (To bind it alone for a moment would tell as much, but
   * who waits for us to answer would take that moment for us.)
   */
  async claim(address: Address): Promise<void> {
    const { host, port } = address;
    if (this.#options.reusePort !== true || host.startsWith("/") || port === 0) return;
    if (this.#options.inherited?.has(address) === true) return;
    const near = host === "::" ? "::1" : host === "0.0.0.0" || host === "" ? "127.0.0.1" : host;
    if (!(await isAnswered({ host: near, port }, this.#clock))) return;
    throw new ListenError(address, errno("EADDRINUSE", `${host}:${port} is in use`));
  }

  /**
   * How `onread` behaves, as seen on Node 26 and held by wire-bytes.test.ts and wire-end.test.ts:
   *
   * - buffer() is asked for when the socket is made, and again as soon as each read() has returned:
   *   the next buffer is chosen then and there, even if the wire was paused or destroyed meanwhile.
   *   So an owner must give a buffer away inside the read() that wrote it on, not later. For a name
   *   with several addresses it is asked for once more with each that is tried;
   * - reading starts by itself, "data" never fires, and "end" comes without a resume();
   * - pause() inside read() holds from the next read on. While paused nothing is noticed: neither
   *   FIN nor RST, until resume() or a write that fails. A paused wire needs a deadline;
   * - bytes that arrived before an RST are read first, then "error" and "close" come;
   * - an exception in read() is uncaught and leaves the socket as it was;
   * - wires that were accepted are the same underneath (acceptLending), with "data" for read().
   */
  connect(address: Address, reader: WireReader, tls?: TlsClient): Wire {
    const options: net.NetConnectOpts = {
      ...(address.host.startsWith("/") ? { path: address.host } : address),
      allowHalfOpen: true,
      noDelay: true,
      autoSelectFamily: true, // a name with a dead IPv6 address falls back to IPv4
      onread: {
        buffer: () => reader.buffer(),
        callback: (count, buffer) => {
          reader.read(count, buffer as Uint8Array);
          return true;
        },
      },
    };
    const socket =
      tls === undefined ? net.connect(options) : this.#secured(address, options, tls, reader);
    socket.on("error", ignore);
    socket.on("close", letGo);
    keepReadable(socket);
    return socket;
  }

  acceptTls(wire: Wire, early: Uint8Array, server: TlsServer, taker: TlsTaker): Wire {
    return acceptTls(wire as net.Socket, early, server, taker); // as listen() made it
  }

  #secured(
    address: Address,
    options: net.NetConnectOpts,
    tls: TlsClient,
    reader: WireReader,
  ): net.Socket {
    this.#tls ??= new TlsConnector(this.#clock, this.#log);
    return this.#tls.connect(address, options, tls, reader);
  }

  async bindDatagrams(address: Address, taker: DatagramTaker): Promise<DatagramDoor> {
    const isPortShared = this.#options.reusePort === true;
    try {
      return await bindDatagrams(address, taker, isPortShared, this.#warning(address, "receive"));
    } catch (error) {
      throw new ListenError(address, error as NodeJS.ErrnoException);
    }
  }

  connectDatagrams(address: Address, reader: DatagramReader): DatagramWire {
    return connectDatagrams(address, reader);
  }

  #bind(address: Address, porch: Porch, options: ListenOptions): Promise<Door> {
    const server = net.createServer({ allowHalfOpen: true, noDelay: true });
    server.on("connection", (socket) => {
      socket.on("error", ignore);
      porch.arrived(socket);
    });
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.once("listening", () => {
        server.off("error", reject);
        server.on("error", this.#warning(address, "accept connections"));
        acceptLending(server, porch);
        try {
          if (options.path !== undefined) this.#putInPlace(options.path, address.host);
          resolve(this.#door(server, address, porch));
        } catch (error) {
          server.close();
          reject(error);
        }
      });
      server.listen({ ...options, backlog: BACKLOG });
    });
  }

  /** Atomically, and with its mode, so that nobody finds the path without a server behind it. */
  #putInPlace(path: string, wanted: string): void {
    const { unixSocketMode } = this.#options;
    if (unixSocketMode !== undefined) chmodSync(path, unixSocketMode);
    renameSync(path, wanted);
  }

  #door(server: net.Server, asked: Address, porch: Porch): Door {
    const bound = server.address();
    const isIp = typeof bound === "object" && bound !== null && asked.host[0] !== "/";
    const address = isIp ? { host: bound.address, port: bound.port } : asked;
    const file = isIp ? undefined : lstatSync(asked.host, { throwIfNoEntry: false })?.ino;
    const shut = (): void => {
      // The listening socket is shut at once; what close() would wait for is the connections.
      server.close();
      porch.turnAway();
    };
    return {
      address,
      descriptors: descriptorOf(server),
      letIn: () => porch.letIn(),
      handOver: async () => shut(), // who waits is the other process's to take in
      async [Symbol.asyncDispose]() {
        // Connections that wait to be accepted would be reset: they are taken in first.
        for (let turn = 0; turn < BACKLOG; turn++) {
          const before = porch.count;
          await turnOfLoop();
          if (porch.count === before) break;
        }
        shut();
        // Node removes the path that it bound, which has been another one since.
        if (file !== undefined) removeOwnSocket(asked.host, file);
      },
    };
  }

  /** Out of file descriptors and the like: the listener stays, and a storm of them is one line. */
  #warning(address: Address, what: string): (error: NodeJS.ErrnoException) => void {
    let quietUntilMs = Number.NEGATIVE_INFINITY;
    return (error) => {
      const nowMs = this.#clock.nowMs();
      if (nowMs < quietUntilMs) return;
      quietUntilMs = nowMs + ACCEPT_WARNING_EVERY_MS;
      this.#log.warn(`cannot ${what}`, { ...address, error: error.message });
    };
  }
}

type ListenOptions = net.ListenOptions & { readonly fd?: number };

function listenOptions({ host, port }: Address, reusePort: boolean): net.ListenOptions {
  return host === "" ? { port, reusePort } : { host, port, reusePort };
}

/** Two rounds, since the one under way may be over its polling. A round accepts one at least. */
function turnOfLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

/**
 * A server may answer and hang up while we still send. The answer then lies in the kernel, and a
 * write that fails must not throw it away, as Node does by destroying the socket: the owner gets
 * "error" with syscall "write", may read on, and destroys the wire itself. There is no public
 * switch for it; where a later Node has no such state, the answer is lost as it was before.
 */
function keepReadable(socket: net.Socket): void {
  const { _readableState: reading, _writableState: writing } = socket as unknown as StreamStates;
  if (reading !== undefined) reading.autoDestroy = false;
  if (writing !== undefined) writing.autoDestroy = false;
  const destroyIfOver = () => {
    if (socket.readableEnded && socket.writableFinished) socket.destroy();
  };
  socket.on("end", destroyIfOver);
  socket.on("finish", destroyIfOver);
}

interface StreamStates {
  readonly _readableState?: { autoDestroy: boolean };
  readonly _writableState?: { autoDestroy: boolean };
}

const SOCKET_PATH_BYTES_MAX = 107; // sun_path is 108 bytes with its NUL

/** A name in the same folder that nobody else has, and that is short enough. */
function pathBeside(path: string): string {
  const beside = `${path}.${process.pid.toString(36)}`;
  if (Buffer.byteLength(beside) <= SOCKET_PATH_BYTES_MAX) return beside;
  return join(dirname(path), process.pid.toString(36));
}

/** A socket file outlives a process that was killed. It is ours to replace if nobody answers. */
async function refuseLiveSocket(path: string, clock: Clock): Promise<void> {
  const file = lstatSync(path, { throwIfNoEntry: false });
  if (file === undefined) return;
  if (!file.isSocket()) throw errno("EEXIST", `${path} is not a socket`);
  if (await isAnswered({ path }, clock)) throw errno("EADDRINUSE", `${path} is in use`);
}

/** Unless somebody has put another in its place. */
function removeOwnSocket(path: string, inode: number): void {
  try {
    if (lstatSync(path).ino === inode) unlinkSync(path);
  } catch {
    // It is gone, and so is the reason to remove it.
  }
}

/** Several sockets of one address as one door. */
function allOf(doors: readonly Door[]): Door {
  const [first] = doors;
  return {
    address: first!.address,
    descriptors: doors.flatMap(({ descriptors }) => descriptors ?? []),
    letIn: () => first!.letIn?.(), // they have one porch
    handOver: async () => void (await Promise.all(doors.map((door) => door.handOver?.()))),
    async [Symbol.asyncDispose]() {
      await Promise.all(doors.map((door) => door[Symbol.asyncDispose]()));
    },
  };
}

/**
 * The number of the listening socket, which is the same for all threads. It is Node's own affair
 * (docs/decisions/0020-upgrade-by-descriptors.md): where a later Node has none, there is no
 * upgrade without a gap, and all else is as it was.
 */
function descriptorOf(server: net.Server): readonly number[] {
  const { _handle: handle } = server as unknown as { readonly _handle?: { readonly fd?: unknown } };
  return typeof handle?.fd === "number" && handle.fd >= 0 ? [handle.fd] : [];
}

const ANSWER_MS = 250; // on this machine; beyond it a firewall is more likely than a listener

function isAnswered(where: net.NetConnectOpts, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.connect(where);
    const timer = clock.after(ANSWER_MS, () => {
      probe.destroy();
      resolve("path" in where);
    });
    const answer = (is: boolean): void => {
      timer.cancel();
      probe.destroy();
      resolve(is);
    };
    probe.once("connect", () => answer(true));
    // Refused means nobody listens. On a path anything else (no permission, a full queue) may be
    // alive; an address that cannot be reached is for listen() to judge.
    probe.once("error", ({ code }: NodeJS.ErrnoException) =>
      answer("path" in where && code !== "ECONNREFUSED"),
    );
  });
}

function errno(code: string, message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code });
}

/** Where `reusePort` can be had, as Node has it. */
export const CAN_SHARE_PORTS = ["linux", "freebsd", "sunos", "aix"].includes(process.platform);
