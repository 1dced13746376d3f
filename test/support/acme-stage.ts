/** A real CA beside the proxy, and what a config says to get certificates from it. */
import { X509Certificate } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { eventually } from "./deadline.ts";
import { freePort } from "./free.ts";
import { type Pebble, type PebbleOptions, startPebble } from "./pebble.ts";
import type { Scenario } from "./scenario.ts";

const PATIENCE_MS = 90_000;

export interface AcmeStage {
  readonly pebble: Pebble;
  readonly storage: string;
  readonly tls: number;
  readonly http: number;
  readonly acme: string; // the inside of tls.acme
}

export async function acmeStage(it: Scenario, wanted: PebbleOptions = {}): Promise<AcmeStage> {
  const [tls, http] = [await freePort(), await freePort()];
  const storage = await mkdtemp(join(tmpdir(), "sluice-acme-"));
  const pebble = await startPebble({ httpPort: http, tlsPort: tls, ...wanted });
  it.defer(() => pebble[Symbol.asyncDispose]());
  // What is under way when the proxy stops is still written.
  it.defer(() => rm(storage, { recursive: true, force: true, maxRetries: 10 }));
  const ca = `{ directory: "${pebble.directory}", root: ${JSON.stringify(pebble.roots)} }`;
  return { pebble, storage, tls, http, acme: `storage: ${storage}, ca: ${ca}` };
}

export function acmeConfig(at: AcmeStage, names: readonly string[], more = "", top = ""): string {
  const sites = names.map(
    (name) => `{
      hosts: ["${name}"], listen: ["127.0.0.1:${at.tls}"],
      tls: { cert: auto, redirectFrom: "127.0.0.1:${at.http}" },
      routes: [{ respond: { status: 200, body: "hello" } }]
    }`,
  );
  return `{ tls: { acme: { ${at.acme} ${more} } }, sites: [${sites.join()}] ${top} }`;
}

/** The certificate that a client of that name gets, once there is one. */
export async function served(port: number, name: string, ca: string): Promise<X509Certificate> {
  let why = "";
  return await eventually(
    async () => {
      const answer = await shake(port, name, ca);
      if (answer instanceof X509Certificate) return answer;
      why = answer;
      return undefined;
    },
    () => `a certificate for ${name}: ${why}`,
    PATIENCE_MS,
  );
}

export function shake(port: number, name: string, ca: string): Promise<X509Certificate | string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", servername: name, ca }, () => {
      resolve(socket.getPeerX509Certificate() ?? "none");
      socket.destroy();
    });
    socket.on("error", (error) => resolve(error.message));
  });
}

/** The names that the storage has certificates for, once they are so many. */
export async function stored(storage: string, count = 1): Promise<string[]> {
  let names: string[] = [];
  return await eventually(
    async () => {
      const found = await readdir(join(storage, "certificates")).catch(() => []);
      names = found.filter((name) => name.endsWith(".json"));
      return names.length >= count ? names.toSorted() : undefined;
    },
    () => `${count} stored certificates: ${names.length}`,
    PATIENCE_MS,
  );
}
