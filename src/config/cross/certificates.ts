/** The files of certificates that sites name: there, readable, and each key its certificate's. */
import { resolve } from "node:path";
import type { Path } from "../../core/feature.ts";
import { shown } from "../../core/fields.ts";
import { certificateWarnings } from "../../tls/certificate-facts.ts";
import { isPem, readCertificateFiles } from "../../tls/certificate-files.ts";
import { readTrust } from "../../tls/client-trust.ts";
import { staplingForecast } from "../../tls/ocsp/stapling-warnings.ts";
import { parseSiteHost } from "../address.ts";
import { absolute } from "../settle-site-tls.ts";
import type { Notes } from "./notes.ts";
import { asMap, asTexts, type RawMap, rawSites } from "./raw.ts";

interface Around {
  readonly folder: string;
  readonly notes: Notes;
  readonly wallMs: number;
}

const FORMS = {
  cert: "a file of certificates in PEM",
  key: "a file with the private key of the certificate in PEM",
};

/** `wallMs`: what has expired by then is said. */
export function checkCertificates(config: RawMap, around: Around): void {
  const isStapling = asMap(config["tls"])["ocsp"] !== "off";
  for (const { site, at } of rawSites(config)) {
    const { tls } = site;
    const { certificates } = asMap(tls);
    const where = Array.isArray(tls) ? [...at, "tls"] : [...at, "tls", "certificates"];
    const several = Array.isArray(tls) ? tls : certificates;
    const list: readonly (readonly [unknown, Path])[] = Array.isArray(several)
      ? several.map((each, index) => [each, [...where, index]])
      : [[tls, [...at, "tls"]]];
    const hosts = asTexts(site["hosts"]).flatMap(({ text }) => parseSiteHost(text) ?? []);
    const within = { ...around, hosts, isStapling };
    for (const [each, place] of list) checkOne(asMap(each), place, within);
    checkTrust(asMap(asMap(tls)["clientAuth"]), [...at, "tls", "clientAuth"], around);
  }
}

function checkTrust(said: RawMap, at: Path, { folder, notes }: Around): void {
  for (const key of ["ca", "crl"] as const) {
    const files = asTexts(said[key]).map(({ text }) => resolve(folder, text));
    try {
      readTrust({ ca: [], crl: [], [key]: files });
    } catch (error) {
      notes.problem(
        [...at, key],
        `must be files in PEM that can be used: ${(error as Error).message}`,
      );
    }
  }
}

interface AroundOne extends Around {
  readonly hosts: readonly string[];
  readonly isStapling: boolean;
}

function checkOne(
  said: RawMap,
  at: Path,
  { folder, notes, wallMs, hosts, isStapling }: AroundOne,
): void {
  const { cert, key } = said;
  if (cert === "auto" || cert === "internal") return;
  if (typeof cert !== "string" || typeof key !== "string" || cert === "" || key === "") return;
  const read = readCertificateFiles(absolute({ cert, key }, folder));
  if (read.kind === "certificate") {
    const warnings = [
      ...certificateWarnings(read.entry, hosts, wallMs),
      ...staplingForecast(read.entry, isStapling),
    ];
    for (const warning of warnings) notes.warning([...at, "cert"], warning);
    return;
  }
  const source = { cert, key }[read.of];
  const got = isPem(source) ? "PEM" : shown(source);
  notes.problem([...at, read.of], `must be ${FORMS[read.of]}, got ${got}: ${read.why}`);
}
