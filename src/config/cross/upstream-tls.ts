/** TLS towards endpoints: that it is meant where it is set, and that its files can be used. */
import { resolve } from "node:path";
import { tryTlsIdentity } from "../../base/system-tls.ts";
import { certificatesProblem, readTlsFiles } from "../../base/tls-files.ts";
import type { Path } from "../../core/feature.ts";
import { shown } from "../../core/fields.ts";
import { TLS_IDENTITY } from "../../upstream/manner.ts";
import { parseEndpoint } from "../address.ts";
import { type ParsedUpstreamTls, settleUpstreamTls } from "../settle-upstream-tls.ts";
import type { Notes } from "./notes.ts";
import { asList, asMap, asTexts, type RawMap } from "./raw.ts";

export function checkUpstreamTls(upstream: unknown, at: Path, folder: string, notes: Notes): void {
  const { tls, protocols, proxyProtocol, endpoints = upstream } = asMap(upstream);
  const given = typeof endpoints === "string" ? [endpoints] : asList(endpoints);
  const schemes = given.map(schemeOf);
  if (protocols !== undefined && schemes.length > 0 && !schemes.includes("https")) {
    notes.warning([...at, "protocols"], "no endpoint begins with https://", "key");
  }
  const shared = schemes.find((each) => each === "h2" || each === "h2c");
  if (proxyProtocol !== undefined && shared !== undefined) {
    const wanted = `must be left out with ${shared}://, whose connections clients share`;
    notes.problem([...at, "proxyProtocol"], wanted, "key");
  }
  if (
    proxyProtocol !== undefined &&
    Array.isArray(protocols) &&
    protocols[0] === "h2" &&
    !protocols.includes("h1")
  ) {
    notes.problem([...at, "protocols"], "must have h1 beside proxyProtocol, got a list without");
  }
  checkSocketPaths(given, { tls: asMap(tls), at }, notes);
  checkCalls(upstream, { schemes, at }, notes);
  if (tls === undefined) return;
  const place = [...at, "tls"];
  // Whoever sets it wants it: an address without a scheme would be asked in the clear.
  for (const [index, scheme] of schemes.entries()) {
    if (scheme !== "") continue;
    const where = typeof endpoints === "string" ? [] : [index];
    const wanted = "must begin with https:// or h2://, or with http://, where the upstream has tls";
    notes.problem([...at, "endpoints", ...where], wanted);
  }
  const isSecured = (scheme: string | undefined) => scheme === "https" || scheme === "h2";
  if (schemes.length > 0 && !schemes.some((each) => each === "" || isSecured(each))) {
    notes.warning(place, "no endpoint begins with https:// or h2://", "key");
  }
  const { ca, cert, key, verify } = asMap(tls);
  if (verify === false) notes.warning([...place, "verify"], "anyone can be the endpoint");
  checkFiles({ ca, cert, key }, place, folder, notes);
}

/** Calls of gRPC are HTTP/2, and so is a check that is one. */
function checkCalls(
  upstream: unknown,
  { schemes, at }: { readonly schemes: readonly (string | undefined)[]; readonly at: Path },
  notes: Notes,
): void {
  const { health, protocols, endpoints } = asMap(upstream);
  const { grpc } = asMap(asMap(health)["active"]);
  if (grpc === undefined) return;
  const form = "must begin with h2c://, h2:// or https://, where health.active has grpc";
  for (const [index, scheme] of schemes.entries()) {
    if (scheme !== "" && scheme !== "http") continue;
    const where = typeof endpoints === "string" ? [] : [index];
    notes.problem([...at, "endpoints", ...where], form);
  }
  if (Array.isArray(protocols) && !protocols.includes("h2")) {
    notes.problem([...at, "protocols"], "must have h2, where health.active has grpc");
  }
}

/** "" for an address without one; undefined for what is no address. */
function schemeOf(item: unknown): string | undefined {
  const { url = item, srv, scheme } = asMap(item);
  if (srv !== undefined) return typeof scheme === "string" ? scheme : "";
  const parsed = typeof url === "string" ? parseEndpoint(url) : undefined;
  return parsed?.kind === "address" ? (parsed.scheme ?? "") : undefined;
}

/** A path is nobody's name. */
function checkSocketPaths(
  given: readonly unknown[],
  { tls, at }: { readonly tls: RawMap; readonly at: Path },
  notes: Notes,
): void {
  if (tls["serverName"] !== undefined || tls["verify"] === false) return;
  for (const item of given) {
    const { url = item } = asMap(item);
    const parsed = typeof url === "string" ? parseEndpoint(url) : undefined;
    if (parsed?.kind !== "address" || !parsed.address.host.startsWith("/")) continue;
    if (parsed.scheme !== "https" && parsed.scheme !== "h2") continue;
    const wanted = `must be there for ${shown(url)}, which has no name, got nothing`;
    notes.problem([...at, "tls", "serverName"], wanted);
    return;
  }
}

function checkFiles(
  { ca, cert, key }: { readonly ca: unknown; readonly cert: unknown; readonly key: unknown },
  at: Path,
  folder: string,
  notes: Notes,
): void {
  const before = notes.problems.length;
  for (const { text, at: inner } of asTexts(ca)) {
    checkCertificates(text, [...at, "ca", ...inner], folder, notes);
  }
  if (typeof cert === "string") checkCertificates(cert, [...at, "cert"], folder, notes);
  if (typeof key === "string") textOf(key, [...at, "key"], folder, notes);
  if (typeof cert !== "string" || typeof key !== "string" || notes.problems.length > before) return;
  try {
    const tls: ParsedUpstreamTls = { cert, key };
    tryTlsIdentity(settleUpstreamTls(tls, folder).identity);
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === MISMATCH ? "of another one" : "of none";
    notes.problem([...at, "key"], `must be the private key of cert, got a file with that ${why}`);
  }
}

const MISMATCH = "ERR_OSSL_X509_KEY_VALUES_MISMATCH";

function checkCertificates(file: string, at: Path, folder: string, notes: Notes): void {
  const text = textOf(file, at, folder, notes);
  const problem = text === undefined ? undefined : certificatesProblem(text);
  if (problem === undefined) return;
  notes.problem(at, `must be a PEM file of certificates, got ${shown(file)}: ${problem}`);
}

function textOf(file: string, at: Path, folder: string, notes: Notes): string | undefined {
  if (file === "") return undefined; // the schema says so
  try {
    return readTlsFiles({ ...TLS_IDENTITY, cert: resolve(folder, file) }).cert;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    notes.problem(at, `must be a file that can be read, got ${shown(file)}: ${code}`);
    return undefined;
  }
}
