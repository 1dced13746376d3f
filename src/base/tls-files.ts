/** The files that a TLS identity is made of. */
import { X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import type { TlsIdentity } from "./world.ts";

export interface TlsTexts {
  readonly ca: readonly string[];
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** Throws the system's error for the first that cannot be read. */
export function readTlsFiles({ ca, cert, key }: TlsIdentity): TlsTexts {
  return {
    ca: ca.map((file) => readFileSync(file, "latin1")),
    cert: cert === undefined ? undefined : readFileSync(cert, "latin1"),
    key: key === undefined ? undefined : readFileSync(key, "latin1"),
  };
}

/** Another text once one of them was written anew; a file that is gone is a change, too. */
export function tlsFilesStamp({ ca, cert, key }: TlsIdentity): string {
  const files = [...ca, cert, key].filter((file) => file !== undefined);
  return files
    .map((file) => {
      const found = statSync(file, { throwIfNoEntry: false });
      return found === undefined ? "gone" : `${found.ino} ${found.size} ${found.mtimeMs}`;
    })
    .join();
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** Why the text is no list of certificates; undefined if it is one. */
export function certificatesProblem(text: string): string | undefined {
  const found = text.match(PEM_CERTIFICATE) ?? [];
  if (found.length === 0) return "it has no certificate in PEM";
  try {
    for (const pem of found) new X509Certificate(pem);
    return undefined;
  } catch {
    return "it has a certificate that cannot be read";
  }
}
