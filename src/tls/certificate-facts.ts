/** What of a certificate people should know, and what is wrong with how it is used. */
import { X509Certificate } from "node:crypto";
import { rootCertificates } from "node:tls";
import type { CertificateEntry } from "../core/certificates.ts";
import { certificatesIn, covers } from "./certificate.ts";

export interface CertificateFacts {
  readonly subject: string;
  readonly issuer: string;
  readonly algorithm: string; // of its key: "ec", "rsa"
  readonly validFromMs: number; // wall time
  readonly validToMs: number;
  readonly isSelfSigned: boolean;
  readonly chainProblem: string | undefined;
}

const facts = new WeakMap<CertificateEntry, CertificateFacts>();

export function factsOf(entry: CertificateEntry): CertificateFacts {
  let known = facts.get(entry);
  if (known === undefined) {
    known = read(entry);
    facts.set(entry, known);
  }
  return known;
}

function read({ cert }: CertificateEntry): CertificateFacts {
  const chain = certificatesIn(cert)!; // it was read before it became an entry
  const leaf = chain[0]!;
  return {
    subject: oneLine(leaf.subject),
    issuer: oneLine(leaf.issuer),
    algorithm: leaf.publicKey.asymmetricKeyType ?? "",
    validFromMs: Date.parse(leaf.validFrom),
    validToMs: Date.parse(leaf.validTo),
    isSelfSigned: leaf.issuer === leaf.subject,
    chainProblem: chainProblem(chain),
  };
}

/** "CN=a.test" of a name that Node writes with a line for each part. */
function oneLine(name: string | undefined): string {
  return (name ?? "").replaceAll("\n", ", ");
}

function chainProblem(chain: readonly X509Certificate[]): string | undefined {
  for (const [index, certificate] of chain.slice(0, -1).entries()) {
    if (!certificate.checkIssued(chain[index + 1]!)) {
      return `certificate ${index + 2} of its chain did not sign the one before it`;
    }
  }
  const last = chain.at(-1)!;
  if (last.issuer === last.subject) return undefined;
  // A CA of one's own may sign without a link between, and says nowhere where its certificate is.
  if (last.infoAccess?.includes("CA Issuers") !== true || isRoot(last.issuer)) return undefined;
  return `the certificate of ${oneLine(last.issuer)}, which signed it, is missing behind it`;
}

let rootSubjects: ReadonlySet<string> | undefined;

function isRoot(issuer: string): boolean {
  rootSubjects ??= new Set(rootCertificates.map((pem) => new X509Certificate(pem).subject));
  return rootSubjects.has(issuer);
}

const SOON_MS = 7 * 86_400_000;

/** What an operator should look at, each a sentence without its end. */
export function certificateWarnings(
  entry: CertificateEntry,
  hosts: readonly string[],
  wallMs: number,
): readonly string[] {
  const { validFromMs, validToMs, chainProblem: chain } = factsOf(entry);
  const until = new Date(validToMs).toISOString();
  const uncovered = hosts.filter((host) => host !== "*" && !coversHost(entry.names, host));
  return [
    ...(wallMs > validToMs ? [`it expired on ${until}`] : []),
    ...(wallMs <= validToMs && validToMs - wallMs < SOON_MS ? [`it expires on ${until}`] : []),
    ...(wallMs < validFromMs
      ? [`it is not valid before ${new Date(validFromMs).toISOString()}`]
      : []),
    ...(uncovered.length > 0 ? [`it is not for ${uncovered.join(", ")}`] : []),
    ...(chain === undefined ? [] : [chain]),
  ];
}

/** A wildcard host stands for any depth, of which a certificate's covers the first. */
function coversHost(names: readonly string[], host: string): boolean {
  return covers(names, host.replace(/^\[(.*)\]$/, "$1"));
}
