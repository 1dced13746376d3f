import { close, constants, fstatSync, open, write } from "node:fs";
import { Socket } from "node:net";

/** Tells what became of a write: how many bytes went out, and why not the others. */
export type Written = (error: NodeJS.ErrnoException | undefined, byteCount: number) => void;

/** An open descriptor. One write at a time; none of them ever blocks the event loop. */
export interface LogTarget {
  write(bytes: Uint8Array, written: Written): void;
  close(): void;
}

const MODE = 0o640; // logs hold addresses and paths: not for everybody

/**
 * "stdout", "stderr" or the path of a file, which is made if there is none.
 *
 * Pipes and sockets go through the event loop: a write to one whose reader has stalled would hold a
 * thread of the pool, and at exit the process, for as long as the reader likes.
 */
export async function openTarget(destination: string): Promise<LogTarget> {
  if (destination === "stdout") return ofStandard(process.stdout, 1);
  if (destination === "stderr") return ofStandard(process.stderr, 2);
  const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK, O_NOCTTY } = constants;
  // Not blocking, or opening a named pipe would wait for its reader: ENXIO says that there is none.
  const flags = O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY;
  const fd = await openFile(destination, flags);
  if (isPipe(fd))
    return new StreamTarget(new Socket({ fd, readable: false, writable: true }), true);
  return new FileTarget(fd, true);
}

function ofStandard(stream: NodeJS.WriteStream, fd: number): LogTarget {
  return isPipe(fd) ? new StreamTarget(stream, false) : new FileTarget(fd, false);
}

function isPipe(fd: number): boolean {
  const stat = fstatSync(fd);
  return stat.isFIFO() || stat.isSocket();
}

function openFile(path: string, flags: number): Promise<number> {
  return new Promise((resolve, reject) => {
    open(path, flags, MODE, (error, fd) => (error === null ? resolve(fd) : reject(error)));
  });
}

class FileTarget implements LogTarget {
  readonly #fd: number;
  readonly #isOurs: boolean; // standard output is never closed: its number would be given away
  #isWriting: boolean;
  #isClosed: boolean;

  constructor(fd: number, isOurs: boolean) {
    this.#fd = fd;
    this.#isOurs = isOurs;
    this.#isWriting = false;
    this.#isClosed = false;
  }

  write(bytes: Uint8Array, written: Written): void {
    this.#isWriting = true;
    write(this.#fd, bytes, 0, bytes.length, undefined, (error, byteCount) => {
      this.#isWriting = false;
      if (this.#isClosed) this.#closeNow();
      written(error ?? undefined, error === null ? byteCount : 0);
    });
  }

  /** A write in flight may not have begun: it must not find the number with another file behind. */
  close(): void {
    this.#isClosed = true;
    if (!this.#isWriting) this.#closeNow();
  }

  #closeNow(): void {
    if (this.#isOurs) close(this.#fd, () => {});
  }
}

/** The part of a socket, or of process.stdout, that is used here. */
interface Stream {
  write(bytes: Uint8Array, done: (error?: Error | null) => void): boolean;
  on(event: "error", fn: () => void): unknown;
  listenerCount(event: "error", fn: () => void): number;
  destroy(): unknown;
}

class StreamTarget implements LogTarget {
  readonly #stream: Stream;
  readonly #isOurs: boolean;

  constructor(stream: Stream, isOurs: boolean) {
    this.#stream = stream;
    this.#isOurs = isOurs;
    // A reader that went away must not end the process: the callback of the write tells of it.
    // Once: proxies may come and go, and standard output stays.
    if (stream.listenerCount("error", ignore) === 0) stream.on("error", ignore);
  }

  write(bytes: Uint8Array, written: Written): void {
    this.#stream.write(bytes, (error) =>
      error ? written(error, 0) : written(undefined, bytes.length),
    );
  }

  close(): void {
    if (this.#isOurs) this.#stream.destroy();
    // Of standard output the listener stays: what is still in flight may fail yet.
  }
}

function ignore(): void {}
