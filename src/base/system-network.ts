import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import net from "node:net";
import { ListenError } from "./listen-error.ts";
import type { Address, Clock, Door, Log, Network, Wire, WireReader } from "./world.ts";

export interface SystemNetworkOptions {
  /** Several threads bind the same port, and the kernel spreads connections over them. */
  readonly reusePort?: boolean;
  /** File mode of unix sockets; what the process's umask leaves by default. */
  readonly unixSocketMode?: number;
}

const BACKLOG = 4096; // the kernel cuts it to net.core.somaxconn
const READ_BYTES = 64 * 1024; // what Node itself would read at a time
const ACCEPT_WARNING_EVERY_MS = 10_000;

/** The machine's network. Every socket that comes out of here has an error handler (N1). */
export class SystemNetwork implements Network {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #options: SystemNetworkOptions;
  readonly #buffer: Buffer; // that accepted wires are read into, unless they say otherwise

  constructor(clock: Clock, log: Log, options: SystemNetworkOptions = {}) {
    this.#clock = clock;
    this.#log = log;
    this.#options = options;
    this.#buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  }

  async listen(address: Address, onWire: (wire: Wire) => void): Promise<Door> {
    const isPath = address.host.startsWith("/");
    try {
      return await this.#bind(address, onWire, this.#options.reusePort === true);
    } catch (error) {
      const cause = error as NodeJS.ErrnoException;
      if (!isPath || cause.code !== "EADDRINUSE") throw new ListenError(address, cause);
    }
    try {
      await removeStaleSocket(address.host, this.#clock);
      return await this.#bind(address, onWire, false);
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
  connect(address: Address, reader: WireReader): Wire {
    const socket = net.connect({
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
    });
    socket.on("error", ignore);
    keepReadable(socket);
    return socket;
  }

  #bind(address: Address, onWire: (wire: Wire) => void, reusePort: boolean): Promise<Door> {
    const server = net.createServer({
      allowHalfOpen: true,
      noDelay: true,
      pauseOnConnect: false,
    });
    server.on("connection", (socket) => {
      socket.on("error", ignore);
      onWire(socket);
    });
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.once("listening", () => {
        server.off("error", reject);
        server.on("error", this.#acceptWarning(address));
        acceptLending(server, this.#buffer, onWire);
        try {
          resolve(this.#door(server, address));
        } catch (error) {
          server.close();
          reject(error);
        }
      });
      server.listen({ ...listenOptions(address, reusePort), backlog: BACKLOG });
    });
  }

  #door(server: net.Server, asked: Address): Door {
    const bound = server.address();
    if (typeof bound === "string") {
      const { unixSocketMode } = this.#options;
      if (unixSocketMode !== undefined) chmodSync(bound, unixSocketMode);
    }
    const isIp = typeof bound === "object" && bound !== null;
    const address = isIp ? { host: bound.address, port: bound.port } : asked;
    return {
      address,
      async [Symbol.asyncDispose]() {
        // Connections that wait to be accepted would be reset. Two turns, since the first may be
        // over its polling: then all that had come has been taken in.
        await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
        // The listening socket is shut at once; what close() would wait for is the connections.
        server.close();
      },
    };
  }

  /** Out of file descriptors and the like: the listener stays, and a storm of them is one line. */
  #acceptWarning(address: Address): (error: NodeJS.ErrnoException) => void {
    let quietUntilMs = Number.NEGATIVE_INFINITY;
    return (error) => {
      const nowMs = this.#clock.nowMs();
      if (nowMs < quietUntilMs) return;
      quietUntilMs = nowMs + ACCEPT_WARNING_EVERY_MS;
      this.#log.warn("cannot accept connections", { ...address, error: error.message });
    };
  }
}

function listenOptions({ host, port }: Address, reusePort: boolean): net.ListenOptions {
  if (host.startsWith("/")) return { path: host };
  return host === "" ? { port, reusePort } : { host, port, reusePort };
}

/** "close" follows, and owners that want the reason add a handler of their own. */
function ignore(): void {}

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

/**
 * Accepted sockets read into one buffer for all of them, as `onread` does for sockets that connect.
 * Node offers that to nobody who accepts: there each read is a fresh 64 KiB and an event through
 * the whole of a stream, which costs a small request a twentieth and a large upload most of its time.
 *
 * The listening handle's callback is Node's own affair. Where a later Node has none of that name,
 * connections come as ordinary sockets through "connection", and only the gain is gone.
 */
function acceptLending(server: net.Server, shared: Buffer, onWire: (wire: Wire) => void): void {
  const { _handle: listening } = server as unknown as { readonly _handle?: ListeningHandle };
  const usual = listening?.onconnection;
  if (listening === undefined || typeof usual !== "function") return;
  listening.onconnection = (error, accepted) => {
    if (error || accepted === undefined) usual.call(listening, error, accepted);
    else onWire(lendingSocket(accepted, shared));
  };
}

function lendingSocket(accepted: AcceptedHandle, shared: Buffer): Wire {
  let own: Uint8Array | undefined;
  const options = {
    handle: accepted,
    allowHalfOpen: true,
    onread: {
      buffer: () => own ?? shared,
      callback: (count: number, buffer: Uint8Array) => {
        socket.emit("data", buffer.subarray(0, count));
        return true;
      },
    },
  };
  const socket = new net.Socket(options as net.SocketConstructorOpts);
  accepted.setNoDelay?.(true);
  socket.on("error", ignore);
  return Object.assign(socket, {
    readInto(buffer: Uint8Array | undefined) {
      own = buffer;
    },
  });
}

interface AcceptedHandle {
  setNoDelay?(isOn: boolean): void; // not on a unix socket
}

interface ListeningHandle {
  onconnection?: (error: number, accepted: AcceptedHandle | undefined) => void;
}

/** A socket file outlives a process that was killed. It is ours to remove if nobody answers. */
async function removeStaleSocket(path: string, clock: Clock): Promise<void> {
  if (!lstatSync(path).isSocket()) throw errno("EEXIST", `${path} is not a socket`);
  if (await isAnswered({ path }, clock)) throw errno("EADDRINUSE", `${path} is in use`);
  unlinkSync(path);
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
