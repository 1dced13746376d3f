import type { Certificates } from "../core/certificates.ts";
import {
  type CertificateFiles,
  certificateFilesId,
  readCertificateFiles,
} from "./certificate-files.ts";

/** The certificates that the config names, as their files are. Of the main thread. */
export class FileCertificates {
  readonly #certificates: Certificates;
  readonly #taken: Set<string>; // ids that are in use

  constructor(certificates: Certificates) {
    this.#certificates = certificates;
    this.#taken = new Set();
  }

  /** Before a config is compiled. Throws if one that is new cannot be used. */
  prepare(all: readonly CertificateFiles[]): void {
    for (const files of all) {
      const id = certificateFilesId(files);
      const read = readCertificateFiles(files);
      if (read.kind === "certificate") {
        this.#certificates.set(read.entry);
      } else if (this.#certificates.find(id) === undefined) {
        throw new Error(`Cannot use the ${read.of} of ${id}: ${read.why}`);
      }
    }
  }

  /** After the swap: what nobody asks for is let go. */
  take(all: readonly CertificateFiles[]): void {
    const wanted = new Set(all.map(certificateFilesId));
    for (const id of this.#taken) if (!wanted.has(id)) this.#certificates.delete(id);
    this.#taken.clear();
    for (const id of wanted) this.#taken.add(id);
  }
}
