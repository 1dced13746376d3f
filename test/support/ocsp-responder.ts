/** The real openssl as responder of a CA, and as a client who asks for what is stapled. */
import { execFile, spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { promisify } from "node:util";
import type { Authority, Issued } from "./authority.ts";
import { within } from "./deadline.ts";
import { part } from "./parts.ts";

export interface KnownTo {
  readonly good?: readonly Issued[];
  readonly revoked?: readonly Issued[];
}

/** Answers for the authority on that port; of certificates that it is not told of it knows nothing. */
export async function startResponder(
  { folder, caFile }: Authority,
  port: number,
  { good = [], revoked = [] }: KnownTo,
): Promise<AsyncDisposable> {
  const index = join(folder, `ocsp-${port}.txt`);
  const line = (state: string, { cert }: Issued) => {
    const { serialNumber } = new X509Certificate(cert);
    return `${state}\t${serialNumber}\tunknown\t/CN=leaf\n`;
  };
  const lines = [
    ...good.map((each) => line("V\t491231235959Z\t", each)),
    ...revoked.map((each) => line("R\t491231235959Z\t200101000000Z", each)),
  ];
  await writeFile(index, lines.join(""));
  const signer = ["-rsigner", caFile, "-rkey", join(folder, "ca.key"), "-CA", caFile];
  const args = ["ocsp", "-index", index, "-port", String(port), ...signer, "-ndays", "7"];
  const child = spawn(part("openssl")!, args, { stdio: ["ignore", "ignore", "pipe"] });
  // It says so itself: a connection that asks nothing keeps it from everybody else.
  await within(untilWaiting(child.stderr), () => "a responder");
  return {
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

async function untilWaiting(stderr: Readable): Promise<void> {
  let text = "";
  for await (const chunk of stderr.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
    text += chunk;
    if (text.includes("waiting for OCSP client")) break;
  }
  stderr.resume();
}

/** What `openssl s_client -status` says of the staple, verified: "good", "revoked", "none" or what is wrong. */
export async function stapledTo(
  port: number,
  caFile: string,
  version: "tls1_2" | "tls1_3",
): Promise<string> {
  const connect = ["-connect", `127.0.0.1:${port}`, "-servername", "a.test"];
  const verify = ["-CAfile", caFile, "-verify_return_error", "-status", `-${version}`];
  const running = promisify(execFile)("openssl", ["s_client", ...connect, ...verify]);
  running.child.stdin!.end("Q\n");
  const { stdout } = await running;
  if (stdout.includes("OCSP response: no response sent")) return "none";
  return /Cert Status: (\w+)/.exec(stdout)?.[1] ?? stdout;
}
