import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

const ALGORITHMS = {
  ecdsa: ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
  rsa: ["rsa:2048"],
};

/** A certificate of its own making for this name, by the real openssl. */
export async function selfSigned(
  name: string,
  algorithm: keyof typeof ALGORITHMS = "ecdsa",
): Promise<Certificate> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-cert-"));
  try {
    const files = await selfSignedFiles(folder, [name], { algorithm });
    return { key: await readFile(files.key, "utf8"), cert: await readFile(files.cert, "utf8") };
  } finally {
    await rm(folder, { recursive: true });
  }
}

export interface CertificateOptions {
  readonly algorithm?: keyof typeof ALGORITHMS;
  readonly stem?: string; // of the files
}

/** As selfSigned(), for several names, as files in a folder. */
export async function selfSignedFiles(
  folder: string,
  names: readonly string[],
  { algorithm = "ecdsa", stem = "a" }: CertificateOptions = {},
): Promise<Certificate> {
  const [key, cert] = [join(folder, `${stem}.key`), join(folder, `${stem}.pem`)];
  const alternatives = names.map((name) => (/^[\d.:]+$/.test(name) ? `IP:${name}` : `DNS:${name}`));
  await promisify(execFile)("openssl", [
    ...["req", "-x509", "-newkey", ...ALGORITHMS[algorithm]],
    ...["-nodes", "-days", "30", "-subj", `/CN=${names[0]}`, "-keyout", key, "-out", cert],
    ...["-addext", `subjectAltName=${alternatives.join()}`],
  ]);
  return { key, cert };
}
