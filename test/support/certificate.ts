import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
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
  rsa1024: ["rsa:1024"],
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

async function openssl(...args: string[]): Promise<void> {
  await promisify(execFile)("openssl", args);
}

/** A certificate signed by one that a root has signed, with its chain, without, and with the wrong one. */
export async function chainOf(folder: string, name: string) {
  const at = (file: string) => join(folder, file);
  const root = await selfSignedFiles(folder, ["Root"], { stem: "root" });
  const signed = async (stem: string, subject: string, by: Certificate, extensions: string) => {
    const [key, request, cert] = [at(`${stem}.key`), at(`${stem}.csr`), at(`${stem}.pem`)];
    await openssl(
      ...["req", "-newkey", ...ALGORITHMS.ecdsa, "-nodes", "-subj", `/CN=${subject}`],
      ...["-keyout", key, "-out", request],
    );
    await writeFile(at(`${stem}.ext`), extensions);
    await openssl(
      ...["x509", "-req", "-in", request, "-CA", by.cert, "-CAkey", by.key, "-days", "30"],
      ...["-CAcreateserial", "-extfile", at(`${stem}.ext`), "-out", cert],
    );
    return { key, cert };
  };
  const middle = await signed("middle", "Middle", root, "basicConstraints=critical,CA:TRUE\n");
  const leaf = await signed(
    "leaf",
    name,
    middle,
    `subjectAltName=DNS:${name}\nauthorityInfoAccess=caIssuers;URI:http://ca.test/middle.der\n`,
  );
  const together = async (stem: string, ...files: string[]) => {
    const texts = await Promise.all(files.map((file) => readFile(file, "utf8")));
    await writeFile(at(`${stem}.pem`), texts.join(""));
    return { key: leaf.key, cert: at(`${stem}.pem`) };
  };
  return {
    root,
    middle,
    leafOnly: leaf,
    full: await together("full", leaf.cert, middle.cert),
    disordered: await together("disordered", leaf.cert, root.cert),
  };
}
