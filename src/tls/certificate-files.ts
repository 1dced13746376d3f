import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { type ReadCertificate, readCertificate } from "./certificate.ts";
import { newContext, type TlsScope } from "./tls-contexts.ts";

/** A certificate as a config names it: each an absolute path, or PEM as it is. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** What tells one from another; of PEM only a digest, since ids are shown. */
export function certificateFilesId({ cert, key }: CertificateFiles): string {
  return `file ${shownSource(cert)} ${shownSource(key)}`;
}

export function isPem(source: string): boolean {
  return source.trimStart().startsWith("-----BEGIN ");
}

function shownSource(source: string): string {
  if (!isPem(source)) return source;
  return `pem:${createHash("sha256").update(source).digest("hex").slice(0, 16)}`;
}

export function readCertificateFiles(files: CertificateFiles): ReadCertificate {
  const texts = { id: certificateFilesId(files), cert: "", key: "" };
  for (const part of ["cert", "key"] as const) {
    try {
      texts[part] = isPem(files[part]) ? files[part] : readText(files[part]);
    } catch (error) {
      const why = `it cannot be read (${(error as NodeJS.ErrnoException).code ?? error})`;
      return { kind: "problem", of: part, why };
    }
  }
  const read = readCertificate(texts);
  if (read.kind === "problem") return read;
  try {
    newContext(read.entry, TRIAL);
    return read;
  } catch (error) {
    // Too small a key, say: OpenSSL has its own mind about what it serves.
    const why = `OpenSSL refuses it (${(error as NodeJS.ErrnoException).code ?? error})`;
    return { kind: "problem", of: "cert", why };
  }
}

const FILE_BYTES_MAX = 1024 * 1024;

/** A pipe would be waited for, and whatever is so large is no certificate. */
function readText(path: string): string {
  const file = statSync(path);
  if (!file.isFile()) throw Object.assign(new Error("no file"), { code: "it is no file" });
  if (file.size > FILE_BYTES_MAX) throw Object.assign(new Error("size"), { code: "above 1 MiB" });
  return readFileSync(path, "latin1");
}

const TRIAL: TlsScope = { key: "", profile: "intermediate" };
