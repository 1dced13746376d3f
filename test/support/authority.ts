/** Certificates for tests, made by the real openssl in a folder that goes with the test. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

export interface Issued {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority of one's own. */
export class Authority {
  readonly folder: string;
  readonly caFile: string;
  #count = 0;

  private constructor(folder: string) {
    this.folder = folder;
    this.caFile = join(folder, "ca.pem");
  }

  static async create(): Promise<Authority> {
    const folder = await mkdtemp(join(tmpdir(), "sluice-ca-"));
    const authority = new Authority(folder);
    await run("openssl", [
      ...["req", "-x509", ...KEY, "-days", "365", "-subj", "/CN=Test CA"],
      ...["-keyout", join(folder, "ca.key"), "-out", authority.caFile],
    ]);
    return authority;
  }

  /**
   * `names` as in subjectAltName: "DNS:app.test", "IP:127.0.0.1"; `subject` as in "/O=Test/CN=leaf";
   * `more` extensions, a line each.
   */
  async issue(names: string, days = 30, subject = "/CN=leaf", more = ""): Promise<Issued> {
    const base = join(this.folder, `leaf-${++this.#count}`);
    const [keyFile, certFile, request, extensions] = [
      `${base}.key`,
      `${base}.pem`,
      `${base}.csr`,
      `${base}.ext`,
    ];
    await writeFile(extensions, `subjectAltName=${names}\n${more}`);
    await run("openssl", [
      "req",
      "-new",
      ...KEY,
      "-subj",
      subject,
      "-keyout",
      keyFile,
      "-out",
      request,
    ]);
    await run("openssl", [
      ...[
        "x509",
        "-req",
        "-in",
        request,
        "-CA",
        this.caFile,
        "-CAkey",
        join(this.folder, "ca.key"),
      ],
      ...["-CAcreateserial", "-days", String(days), "-extfile", extensions, "-out", certFile],
    ]);
    const [cert, key] = [await readFile(certFile, "utf8"), await readFile(keyFile, "utf8")];
    return { certFile, keyFile, cert, key };
  }

  /** A revocation list with these on it, as a file. */
  async revoke(...revoked: readonly Issued[]): Promise<string> {
    const [config, index, list] = ["ca.cnf", "index.txt", "crl.pem"].map((name) =>
      join(this.folder, name),
    ) as [string, string, string];
    await writeFile(index, "", { flag: "a" });
    await writeFile(config, `[ca]\ndefault_ca=own\n[own]\ndatabase=${index}\ndefault_md=sha256\n`);
    const ca = ["-config", config, "-cert", this.caFile, "-keyfile", join(this.folder, "ca.key")];
    for (const { certFile } of revoked) await run("openssl", ["ca", ...ca, "-revoke", certFile]);
    await run("openssl", ["ca", ...ca, "-gencrl", "-crldays", "2", "-out", list]);
    return list;
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}
