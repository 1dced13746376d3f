import { chmod, lstat, rename, unlink } from "node:fs/promises";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { connect } from "node:net";
import type { InheritedSockets } from "../base/inherited-sockets.ts";
import type { Address, Log } from "../base/world.ts";
import { type AdminSources, type Answer, findEndpoint, refusal } from "./admin-answers.ts";
import { AdminGuard } from "./admin-guard.ts";
import type { Readiness } from "./readiness.ts";

// `import` asks a module of Node for all that it exports, and node:http then loads the whole of fetch,
// which is a tenth of a start.
const { createServer } = process.getBuiltinModule("node:http");

const BODY_BYTES_MAX = 64 * 1024;
const CONNECTIONS_MAX = 256;
const HEADER_BYTES_MAX = 16 * 1024;
const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 30_000; // above the 15 s of common scrape intervals
const CLOSE_MS = 1_000; // what is in flight at the end may take this long

export interface AdminOptions
  extends Pick<
    AdminSources,
    | "metrics"
    | "status"
    | "reload"
    | "endpoints"
    | "plans"
    | "purges"
    | "maintenance"
    | "bans"
    | "upgrade"
  > {
  readonly address: Address; // loopback, or a path of a unix socket, or any other with a token
  readonly token: string | undefined;
  readonly hosts?: readonly string[]; // further names to answer to
  readonly readiness: Readiness;
  readonly log: Log;
  readonly inherited?: InheritedSockets | undefined;
}

export interface Admin extends AsyncDisposable {
  readonly address: Address; // as bound
  readonly wanted: Address; // as asked for
  /** Of the listening socket, for a process that takes over; undefined where that cannot be. */
  readonly descriptor: number | undefined;
  /** Another token from the next request on. */
  use(token: string | undefined): void;
  readonly readiness: Readiness;
}

/**
 * The admin listener: metrics, health, status. On node:http, because nothing here is hot and it
 * must not share a defect with the data path (docs/decisions/0003-admin-on-node-http.md).
 *
 * Rejects if it would be open to everybody, or with the system's error if it cannot listen.
 */
export async function createAdmin(options: AdminOptions): Promise<Admin> {
  const { address, token, readiness, log } = options;
  const guardFor = (secret: string | undefined) =>
    new AdminGuard({ host: address.host, token: secret, hosts: options.hosts ?? [] });
  let guard = guardFor(token);
  const sources: AdminSources = {
    metrics: options.metrics,
    status: options.status,
    reload: options.reload,
    endpoints: options.endpoints,
    plans: options.plans,
    purges: options.purges,
    maintenance: options.maintenance,
    bans: options.bans,
    upgrade: options.upgrade,
    readiness: () => readiness.state,
  };
  const limits = {
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: 1_000,
    insecureHTTPParser: false,
  };
  const server = createServer(limits, (request, response) => {
    serve(guard, sources, request, response).catch((error: unknown) => {
      log.warn("admin request failed", { path: request.url, error });
      send(response, refusal({ status: 500, reason: "bug", about: "The log has more." }));
    });
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.setTimeout(KEEP_ALIVE_MS, (socket) => socket.destroy());
  const bound = await listen(server, address, options.inherited);
  const isPath = address.host.startsWith("/");
  const inode = isPath ? (await lstat(address.host)).ino : undefined;
  log.info("admin listens", { host: bound.host, port: bound.port });
  return {
    address: bound,
    wanted: address,
    descriptor: isPath ? undefined : descriptorOf(server),
    readiness,
    use: (secret) => {
      guard = guardFor(secret);
    },
    async [Symbol.asyncDispose]() {
      await shut(server);
      if (inode !== undefined) await removeOwn(address.host, inode);
    },
  };
}

async function serve(
  guard: AdminGuard,
  sources: AdminSources,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (request.url ?? "").split("?", 1)[0]!;
  const found = findEndpoint(request.method ?? "", path);
  const isEndpoint = "answer" in found;
  // The guard first, and a token for unknown paths too: a stranger learns nothing, not even those.
  const refused = guard.refuse(request, isEndpoint ? found.needsToken : true);
  if (refused !== undefined) return sendAndClose(request, response, refusal(refused));
  if (!isEndpoint) return sendAndClose(request, response, found);
  const bytesMax = found.bodyBytesMax ?? BODY_BYTES_MAX;
  const body = await takeBody(request, bytesMax);
  if (body === undefined) {
    const about = `The body is larger than ${bytesMax} bytes.`;
    const answer = refusal({ status: 413, reason: "body_too_large", about });
    return sendAndClose(request, response, answer);
  }
  const by = `${request.socket.remoteAddress ?? "unix"}${guard.hasToken ? ", with the token" : ""}`;
  send(response, await found.answer(sources, request.headers.accept, { path, body, by }));
}

/** Reads the body to its end; undefined as soon as it is too large. */
async function takeBody(request: IncomingMessage, bytesMax: number): Promise<string | undefined> {
  const announced = Number(request.headers["content-length"] ?? 0);
  if (announced > bytesMax) return undefined;
  const chunks: Buffer[] = [];
  let byteCount = 0;
  return await new Promise((resolve, reject) => {
    request.on("data", (chunk: Buffer) => {
      byteCount += chunk.length;
      if (byteCount > bytesMax) resolve(undefined);
      else chunks.push(chunk);
    });
    request.on("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
    request.on("error", reject);
    request.on("close", () => resolve(undefined));
  });
}

function send(response: ServerResponse, answer: Answer): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(answer.status, {
    ...answer.headers,
    "content-length": Buffer.byteLength(answer.body),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
  });
  response.end(answer.body); // node:http leaves the body out for HEAD
}

/** A body that nobody reads must not be taken for the next request. */
function sendAndClose(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  response.shouldKeepAlive = false;
  send(response, answer);
  request.resume();
}

async function listen(
  server: Server,
  address: Address,
  inherited: InheritedSockets | undefined,
): Promise<Address> {
  const { host, port } = address;
  const isPath = host.startsWith("/");
  const [fd] = inherited?.take(address) ?? [];
  // Whoever hands over still answers on a path, which then changes hands at once.
  if (isPath && (inherited?.addresses.length ?? 0) === 0) await refuseLive(host);
  const beside = `${host}.${process.pid.toString(36)}`;
  const where = fd !== undefined ? { fd } : isPath ? { path: beside } : { host, port };
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(where, () => {
      server.off("error", reject);
      resolve();
    });
  });
  if (isPath) {
    await chmod(beside, 0o600);
    await rename(beside, host);
  }
  const bound = server.address();
  if (bound === null || typeof bound === "string") return address;
  return { host: bound.address, port: bound.port };
}

/** A socket that a dead process left behind is replaced; one that answers stays. */
async function refuseLive(path: string): Promise<void> {
  const stat = await lstat(path).catch(() => undefined);
  if (stat === undefined) return;
  const isLive = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", () => resolve(!stat.isSocket()));
  });
  if (!isLive) return;
  const message = `listen EADDRINUSE: address already in use ${path}`;
  throw Object.assign(new Error(message), { code: "EADDRINUSE", syscall: "listen" });
}

/** Unless another process has put its own in the place. */
async function removeOwn(path: string, inode: number): Promise<void> {
  const stat = await lstat(path).catch(() => undefined);
  if (stat?.ino === inode) await unlink(path).catch(() => {});
}

/** Node's own affair, as in src/base/system-network.ts. */
function descriptorOf(server: Server): number | undefined {
  const { _handle: handle } = server as unknown as { readonly _handle?: { readonly fd?: unknown } };
  return typeof handle?.fd === "number" && handle.fd >= 0 ? handle.fd : undefined;
}

async function shut(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
  await closed;
  clearTimeout(timer);
}
