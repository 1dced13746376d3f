import type { Address } from "./world.ts";

/** An address that could not be bound: what to do about it, and the system's code. */
export class ListenError extends Error {
  readonly code: string;

  constructor(address: Address, cause: NodeJS.ErrnoException) {
    const code = cause.code ?? "UNKNOWN";
    super(`Cannot listen on ${shown(address)}: ${wanted(address, cause)} (${code})`, { cause });
    this.name = "ListenError";
    this.code = code;
  }
}

function wanted(address: Address, cause: NodeJS.ErrnoException): string {
  const isPath = address.host.startsWith("/");
  switch (cause.code) {
    case "EADDRINUSE":
      return isPath ? "a live process has this socket" : "another process has this port";
    case "EACCES":
    case "EPERM":
      if (isPath) return "this user may not make a socket there";
      return address.port < 1024
        ? "ports below 1024 need root or the capability CAP_NET_BIND_SERVICE"
        : "this user may not have this port";
    case "EADDRNOTAVAIL":
      return "no interface of this machine has this address";
    case "EAFNOSUPPORT":
      return "this machine does not speak this kind of address";
    case "ENOTFOUND":
      return "the name has no address";
    case "ENOENT":
      return "the folder of the socket does not exist";
    case "EEXIST":
      return "there is a file that is not a socket";
    default:
      return cause.message;
  }
}

function shown({ host, port }: Address): string {
  if (host.startsWith("/")) return `unix:${host}`;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
