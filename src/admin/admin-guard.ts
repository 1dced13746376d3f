import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";

/** Why a request to the admin listener is refused; the client is told the code. */
export interface Refused {
  readonly status: number;
  readonly reason: string;
  readonly about: string;
}

const TOKEN_CHARS_MIN = 16;

export interface GuardOptions {
  readonly host: string; // that we listen on: an address, a name, or a path of a unix socket
  readonly token: string | undefined;
  readonly hosts: readonly string[]; // names to answer to, beside the loopback ones and `host`
}

/**
 * Who may speak to the admin listener (A1). Being on loopback keeps strangers out, but not the pages
 * in a browser on the same machine:
 *
 *     DNS rebinding   a page's own name points at 127.0.0.1         Host has to be one of ours
 *     CSRF            a page posts a form to http://localhost:2080  Origin and Sec-Fetch-Site
 *     anybody else    the listener is not on loopback               a token, and not without
 */
export class AdminGuard {
  readonly #isLoopback: boolean;
  readonly #hosts: ReadonlySet<string>;
  readonly #tokenDigest: Buffer | undefined;

  /** Throws if the listener would be open to everybody. */
  constructor({ host, token, hosts }: GuardOptions) {
    this.#isLoopback = host.startsWith("/") || isLoopback(host);
    if (token === undefined && !this.#isLoopback) {
      throw new Error(`Cannot use admin.listen: must be on loopback without a token, got ${host}`);
    }
    if (token !== undefined && token.length < TOKEN_CHARS_MIN) {
      throw new Error(
        `Cannot use admin.token: must have ${TOKEN_CHARS_MIN} characters or more, got ${token.length}`,
      );
    }
    this.#tokenDigest = token === undefined ? undefined : digest(token);
    this.#hosts = new Set(["localhost", host, ...hosts].map((each) => each.toLowerCase()));
  }

  /** Whoever gets through has shown one. */
  get hasToken(): boolean {
    return this.#tokenDigest !== undefined;
  }

  /** Checks what every request has to pass; health probes need no token. */
  refuse(request: IncomingMessage, needsToken: boolean): Refused | undefined {
    if (!this.#isOurHost(request)) {
      return refused(421, "host_not_allowed", "Host is not a name of this listener.");
    }
    const isSafe = request.method === "GET" || request.method === "HEAD";
    if (!isSafe && !isSameOrigin(request)) {
      return refused(403, "cross_origin", "Origin or Sec-Fetch-Site is that of another site.");
    }
    if (!needsToken || this.#hasToken(request)) return undefined;
    return refused(401, "token_required", "Authorization must be Bearer with the admin token.");
  }

  /**
   * Rebinding needs a name. So a name has to be known, and an address has to be that of a listener
   * that is not on loopback (there may be a translation in between), or a loopback one.
   */
  #isOurHost(request: IncomingMessage): boolean {
    const values = request.headersDistinct["host"] ?? [];
    if (values.length !== 1) return false;
    const host = hostOf(values[0]!);
    if (host === undefined) return false;
    if (this.#hosts.has(host) || isLoopback(host)) return true;
    return !this.#isLoopback && isIP(host) !== 0;
  }

  #hasToken(request: IncomingMessage): boolean {
    if (this.#tokenDigest === undefined) return true;
    const [, given] = /^bearer +(\S+)$/i.exec(request.headers.authorization ?? "") ?? [];
    // Digests have one length, so the comparison tells nothing, not even how long the token is.
    return timingSafeEqual(digest(given ?? ""), this.#tokenDigest) && given !== undefined;
  }
}

export function isLoopback(host: string): boolean {
  if (host === "localhost") return true;
  if (isIP(host) === 4) return host.startsWith("127.");
  return host === "::1";
}

function isSameOrigin(request: IncomingMessage): boolean {
  const site = request.headersDistinct["sec-fetch-site"] ?? [];
  if (site.some((value) => value !== "same-origin" && value !== "none")) return false;
  const origins = request.headersDistinct["origin"] ?? [];
  const host = (request.headers.host ?? "").toLowerCase();
  return origins.every((origin) => {
    return origin === `http://${host}` || origin === `https://${host}`;
  });
}

/** "[::1]:2080" → "::1"; undefined if it is not the form of Host (RFC 9110 §7.2). */
function hostOf(value: string): string | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::[0-9]{1,5})?$/i.exec(value);
  return (match?.[1] ?? match?.[2])?.toLowerCase();
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

function refused(status: number, reason: string, about: string): Refused {
  return { status, reason, about };
}
