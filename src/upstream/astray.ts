import type { Directory } from "../core/directory.ts";

/** Connections to where an endpoint's name led before, and leads no more. */
export class Astray implements Disposable {
  #hosts: readonly string[] | undefined; // of the name, once they have changed
  #following: Disposable | undefined;

  constructor() {
    this.#hosts = undefined;
    this.#following = undefined;
  }

  follow(directory: Directory, host: string, changed: () => void): void {
    let known = directory.find("name", host);
    this.#following = directory.watch(() => {
      const now = directory.find("name", host);
      if (now === undefined || now === known) return;
      known = now;
      this.#hosts = now.hosts;
      changed();
    });
  }

  has({ remoteHost }: { readonly remoteHost: string | undefined }): boolean {
    const hosts = this.#hosts;
    return hosts !== undefined && remoteHost !== undefined && !hosts.includes(remoteHost);
  }

  [Symbol.dispose](): void {
    this.#following?.[Symbol.dispose]();
  }
}
