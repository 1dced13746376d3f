/** The files of certificates that sites name: there, readable, and each key its certificate's. */
import type { Path } from "../../core/feature.ts";
import { shown } from "../../core/fields.ts";
import { isPem, readCertificateFiles } from "../../tls/certificate-files.ts";
import { absolute } from "../settle-site-tls.ts";
import type { Notes } from "./notes.ts";
import { asMap, type RawMap, rawSites } from "./raw.ts";

const FORMS = {
  cert: "a file of certificates in PEM",
  key: "a file with the private key of the certificate in PEM",
};

export function checkCertificates(config: RawMap, folder: string, notes: Notes): void {
  for (const { site, at } of rawSites(config)) {
    const { tls } = site;
    const list: readonly (readonly [unknown, Path])[] = Array.isArray(tls)
      ? tls.map((each, index) => [each, [...at, "tls", index]])
      : [[tls, [...at, "tls"]]];
    for (const [each, place] of list) checkOne(asMap(each), place, { folder, notes });
  }
}

function checkOne(
  said: RawMap,
  at: Path,
  { folder, notes }: { readonly folder: string; readonly notes: Notes },
): void {
  const { cert, key } = said;
  if (typeof cert !== "string" || typeof key !== "string" || cert === "" || key === "") return;
  const read = readCertificateFiles(absolute({ cert, key }, folder));
  if (read.kind === "certificate") return;
  const source = { cert, key }[read.of];
  const got = isPem(source) ? "PEM" : shown(source);
  notes.problem([...at, read.of], `must be ${FORMS[read.of]}, got ${got}: ${read.why}`);
}
