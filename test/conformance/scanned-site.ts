/** A site as a scanner is to find it: a certificate with all that belongs to one, HSTS, a staple. */
import { readFile } from "node:fs/promises";
import { Authority } from "../support/authority.ts";
import { freePort } from "../support/free.ts";
import { startResponder } from "../support/ocsp-responder.ts";
import type { Setting } from "./suite.ts";

export const PROFILES = ["modern", "intermediate"] as const;

export interface ScannedSite extends AsyncDisposable {
  readonly port: number;
  readonly caFile: string;
}

const EXTENSIONS = [
  "basicConstraints=CA:FALSE",
  "keyUsage=critical,digitalSignature",
  "extendedKeyUsage=serverAuth",
  "",
].join("\n");

export async function startScannedSite(
  start: Setting["start"],
  profile: (typeof PROFILES)[number],
): Promise<ScannedSite> {
  const authority = await Authority.create();
  const responderPort = await freePort();
  const access = `authorityInfoAccess=OCSP;URI:http://127.0.0.1:${responderPort}/\n`;
  const leaf = await authority.issue("DNS:a.test", 90, "/CN=a.test", EXTENSIONS + access);
  const responder = await startResponder(authority, responderPort, { good: [leaf] });
  const chain = JSON.stringify(leaf.cert + (await readFile(authority.caFile, "utf8")));
  const proxy =
    await start(`{ sites: [{ hosts: a.test, routes: [{ respond: { status: 200, body: hi } }],
    tls: { cert: ${chain}, key: ${leaf.keyFile}, profile: ${profile}, hsts: 365d } }] }`);
  return {
    port: proxy.port,
    caFile: authority.caFile,
    async [Symbol.asyncDispose]() {
      await proxy.stop();
      await responder[Symbol.asyncDispose]();
      await authority.remove();
    },
  };
}
