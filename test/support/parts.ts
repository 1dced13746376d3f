import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Where a program of the system is, or undefined. Tests that want it skip by name without it. */
export function part(
  name:
    | "nginx"
    | "curl"
    | "haproxy"
    | "openssl"
    | "sslscan"
    | "chromium"
    | "python3"
    | "systemd-analyze"
    | "systemd-notify"
    | "pebble"
    | "pebble-challtestsrv"
    | "knotd"
    | "knsupdate"
    | "htpasswd"
    | "argon2"
    | "mmdblookup"
    | "redis-server"
    | "slowhttptest",
): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  return folders.map((folder) => join(folder, name)).find(mayRun);
}

/** For node:test's `skip`: false, or the reason. */
export function skipWithout(name: Parameters<typeof part>[0]): false | string {
  return part(name) === undefined ? `${name} is not installed` : false;
}

function mayRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
