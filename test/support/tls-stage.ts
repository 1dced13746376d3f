/** Certificates in a folder of their own, and TLS clients of node:tls for them. */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { type Certificate, type CertificateOptions, selfSignedFiles } from "./certificate.ts";
import { within } from "./deadline.ts";
import type { Scenario } from "./scenario.ts";

/** Paths of a certificate for these names; gone when the scenario ends. */
export async function certificateFor(
  it: Scenario,
  names: readonly string[],
  options?: CertificateOptions,
): Promise<Certificate & { readonly folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-tls-"));
  it.defer(() => rm(folder, { recursive: true, force: true }));
  return { ...(await selfSignedFiles(folder, names, options)), folder };
}

/** A connection whose handshake is over. */
export async function tlsConnect(
  port: number,
  servername: string,
  options: ConnectionOptions = {},
): Promise<TLSSocket> {
  const socket = connect({
    ...{ port, host: "127.0.0.1", rejectUnauthorized: false, ALPNProtocols: ["http/1.1"] },
    ...(servername === "" ? {} : { servername }),
    ...options,
  });
  socket.on("error", () => {});
  await within(once(socket, "secureConnect"), () => "a handshake");
  return socket;
}

/** How it ends when the handshake does not succeed: the code of the client's error. */
export async function tlsRefusal(
  port: number,
  servername: string,
  options: ConnectionOptions = {},
): Promise<string> {
  try {
    (await tlsConnect(port, servername, options)).destroy();
    return "secured";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

/** Sends, and answers with everything up to the end. */
export async function tlsTalk(socket: TLSSocket, bytes: string): Promise<string> {
  let text = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    text += chunk;
  });
  socket.write(bytes, "latin1");
  await within(once(socket, "close"), () => `the end, but had ${JSON.stringify(text)}`);
  return text;
}
