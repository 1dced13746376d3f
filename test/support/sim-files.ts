import { dirname } from "node:path";
import type { Files, OpenFile } from "../../src/base/files.ts";

export type FileAct =
  | "makeFolder"
  | "list"
  | "open"
  | "create"
  | "rename"
  | "link"
  | "remove"
  | "read"
  | "write"
  | "sync";

/** The bytes of a file, which outlive its name. */
interface Inode {
  bytes: Buffer;
  isLink: boolean; // a symbolic one, which nobody follows
}

/** A disk in memory, with the faults that a test asks for. */
export class SimFiles implements Files {
  readonly self = {
    host: "sim",
    pid: 1,
    lifeOf: (pid: number) => (this.dead.has(pid) ? undefined : `life ${pid}`),
  };
  readonly dead = new Set<number>();
  readonly folders = new Set<string>();
  readonly inodes = new Map<string, Inode>();
  /** The system's code for what is to fail. */
  fault: (act: FileAct, path: string) => string | undefined = () => undefined;
  /** While there is one, everything waits for it. */
  hold: Promise<void> | undefined;
  bytesMax = Number.POSITIVE_INFINITY;
  openCount = 0;
  syncCount = 0;

  async makeFolder(path: string): Promise<void> {
    await this.#act("makeFolder", path);
    this.folders.add(path);
  }

  async list(path: string): Promise<readonly string[]> {
    await this.#act("list", path);
    return [...this.inodes.keys()]
      .filter((each) => dirname(each) === path)
      .map((each) => each.slice(path.length + 1));
  }

  async open(path: string, how: "read" | "create"): Promise<OpenFile> {
    await this.#act(how === "read" ? "open" : "create", path);
    const found = this.inodes.get(path);
    if (how === "read" && found === undefined) throw failure("ENOENT");
    if (how === "create" && found !== undefined) throw failure("EEXIST");
    if (how === "create" && !this.folders.has(dirname(path))) throw failure("ENOENT");
    if (found?.isLink === true) throw failure("ELOOP");
    const inode = found ?? { bytes: Buffer.alloc(0), isLink: false };
    this.inodes.set(path, inode);
    this.openCount++;
    return this.#opened(path, inode);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#act("rename", from);
    const inode = this.inodes.get(from);
    if (inode === undefined) throw failure("ENOENT");
    this.inodes.delete(from);
    this.inodes.set(to, inode);
  }

  async link(from: string, to: string): Promise<void> {
    await this.#act("link", from);
    const inode = this.inodes.get(from);
    if (inode === undefined) throw failure("ENOENT");
    if (this.inodes.has(to)) throw failure("EEXIST");
    this.inodes.set(to, inode);
  }

  async remove(path: string): Promise<void> {
    await this.#act("remove", path);
    if (!this.inodes.delete(path)) throw failure("ENOENT");
  }

  /** Of all files. */
  get bytes(): number {
    let sum = 0;
    for (const { bytes } of this.inodes.values()) sum += bytes.length;
    return sum;
  }

  #opened(path: string, inode: Inode): OpenFile {
    let isOpen = true;
    const act = async (what: FileAct) => {
      if (!isOpen) throw failure("EBADF");
      await this.#act(what, path);
    };
    return {
      bytes: inode.bytes.length,
      read: async (into, at) => {
        await act("read");
        return inode.bytes.copy(into, 0, at, at + into.length);
      },
      write: async (parts, at) => {
        const bytes = Buffer.concat(parts); // as they are now: nobody may change what is being written
        await act("write");
        const room = Math.max(0, this.bytesMax - this.bytes + inode.bytes.length - at);
        const written = bytes.subarray(0, room);
        const end = Math.max(inode.bytes.length, at + written.length);
        const after = Buffer.alloc(end);
        inode.bytes.copy(after);
        written.copy(after, at);
        inode.bytes = after;
        if (written.length < bytes.length) throw failure("ENOSPC");
      },
      sync: async () => {
        await act("sync");
        this.syncCount++;
      },
      close: async () => {
        if (!isOpen) throw failure("EBADF");
        isOpen = false;
        this.openCount--;
      },
    };
  }

  async #act(act: FileAct, path: string): Promise<void> {
    await this.hold;
    const code = this.fault(act, path);
    if (code !== undefined) throw failure(code);
  }
}

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: simulated`), { code });
}
