import { close, constants, fdatasync, fstat, open, read, writev } from "node:fs";
import { link, mkdir, readdir, rename, unlink } from "node:fs/promises";
import { hostname } from "node:os";
import type { Files, OpenFile } from "./files.ts";
import { lifeOf } from "./process-life.ts";

const { O_CREAT, O_EXCL, O_RDONLY, O_RDWR } = constants;
// Where a system has them: a link is not followed, and to open a pipe does not wait for its writer.
const O_NOFOLLOW = constants.O_NOFOLLOW ?? 0;
const O_NONBLOCK = constants.O_NONBLOCK ?? 0;
const HOW = {
  read: O_RDONLY | O_NOFOLLOW | O_NONBLOCK,
  create: O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW,
};
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const PARTS_MAX = 1024; // of one writev: IOV_MAX on Linux and macOS

/** The machine's disk, through Node's threads: nothing here waits on the event loop. */
export class SystemFiles implements Files {
  readonly self = { host: hostname(), pid: process.pid, lifeOf };

  async makeFolder(path: string): Promise<void> {
    await mkdir(path, { recursive: true, mode: FOLDER_MODE });
  }

  async list(path: string): Promise<readonly string[]> {
    return await readdir(path);
  }

  async open(path: string, how: "read" | "create"): Promise<OpenFile> {
    const descriptor = await opened(path, HOW[how]);
    try {
      const { isPlain, bytes } = await look(descriptor);
      if (isPlain) return new SystemFile(descriptor, bytes);
    } catch (error) {
      await closed(descriptor).catch(() => {});
      throw error;
    }
    await closed(descriptor);
    throw Object.assign(new Error(`${path} is no plain file`), { code: "EINVAL" });
  }

  rename(from: string, to: string): Promise<void> {
    return rename(from, to);
  }

  link(from: string, to: string): Promise<void> {
    return link(from, to);
  }

  remove(path: string): Promise<void> {
    return unlink(path);
  }
}

class SystemFile implements OpenFile {
  readonly bytes: number;
  readonly #descriptor: number;

  constructor(descriptor: number, bytes: number) {
    this.bytes = bytes;
    this.#descriptor = descriptor;
  }

  async read(into: Uint8Array, at: number): Promise<number> {
    let count = 0;
    while (count < into.length) {
      const got = await readOnce(this.#descriptor, into.subarray(count), at + count);
      if (got === 0) break;
      count += got;
    }
    return count;
  }

  async write(parts: readonly Uint8Array[], at: number): Promise<void> {
    let position = at;
    for (let left = parts.filter(({ length }) => length > 0); left.length > 0; ) {
      const count = await writeOnce(this.#descriptor, left.slice(0, PARTS_MAX), position);
      position += count;
      left = behind(left, count);
    }
  }

  sync(): Promise<void> {
    return done((back) => fdatasync(this.#descriptor, back));
  }

  close(): Promise<void> {
    return closed(this.#descriptor);
  }
}

/** What is left of the parts when so many bytes of them are written. */
function behind(parts: readonly Uint8Array[], count: number): Uint8Array[] {
  let left = count;
  const rest: Uint8Array[] = [];
  for (const part of parts) {
    if (left >= part.length) left -= part.length;
    else {
      rest.push(left === 0 ? part : part.subarray(left));
      left = 0;
    }
  }
  return rest;
}

function opened(path: string, flags: number): Promise<number> {
  return new Promise((resolve, reject) => {
    open(path, flags, FILE_MODE, (error, fd) => (error === null ? resolve(fd) : reject(error)));
  });
}

function closed(descriptor: number): Promise<void> {
  return done((back) => close(descriptor, back));
}

function look(descriptor: number): Promise<{ isPlain: boolean; bytes: number }> {
  return new Promise((resolve, reject) => {
    fstat(descriptor, (error, stats) => {
      if (error === null) resolve({ isPlain: stats.isFile(), bytes: stats.size });
      else reject(error);
    });
  });
}

function readOnce(descriptor: number, into: Uint8Array, at: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(descriptor, into, 0, into.length, at, (error, count) => {
      if (error === null) resolve(count);
      else reject(error);
    });
  });
}

function writeOnce(descriptor: number, parts: Uint8Array[], at: number): Promise<number> {
  return new Promise((resolve, reject) => {
    writev(descriptor, parts, at, (error, count) => {
      if (error === null) resolve(count);
      else reject(error);
    });
  });
}

function done(act: (back: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    act((error) => (error === null || error === undefined ? resolve() : reject(error)));
  });
}
