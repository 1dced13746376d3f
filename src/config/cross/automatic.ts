/** Names that certificates are to come for by themselves: whether there is a way to get them. */

import type { Notes } from "./notes.ts";
import { asList, asMap, asTexts, type RawMap, rawSites } from "./raw.ts";

// RFC 6761, RFC 6762, RFC 8375, RFC 9476: no CA that others trust knows of them.
const LOCAL = /(?:^|\.)(?:localhost|local|internal|test|invalid|example|home\.arpa|lan)$/;
const LABELS_OF_ONE = /^[^.]+$/;

export function checkAutomatic(config: RawMap, notes: Notes): void {
  const acme = asMap(asMap(config["tls"])["acme"]);
  const challenges = asList(acme["challenges"]);
  const isByDns = acme["dns"] !== undefined;
  if (challenges.includes("dns-01") && !isByDns) {
    const at = ["tls", "acme", "challenges", challenges.indexOf("dns-01")];
    notes.problem(at, "must come with tls.acme.dns, which says how records get there");
  }
  const mayWildcards = isByDns && (challenges.length === 0 || challenges.includes("dns-01"));
  const isOnDemand = acme["onDemand"] !== undefined;
  let isUsed = false;
  for (const { site, at } of rawSites(config)) {
    const { tls } = site;
    const kind = typeof tls === "string" ? tls : asMap(tls)["cert"];
    if (kind === "auto") isUsed = true;
    if (kind !== "auto" && kind !== "internal") continue;
    for (const { text, at: inner } of asTexts(site["hosts"])) {
      const place = [...at, "hosts", ...inner];
      if (kind === "internal") {
        if (text === "*") notes.problem(place, "must be a name where tls is internal, got *");
      } else if (text === "*" && !isOnDemand) {
        notes.problem(
          place,
          "must be a name where tls is auto and without tls.acme.onDemand, got *",
        );
      } else if (text.startsWith("*.") && !mayWildcards && !isOnDemand) {
        const need = "must come with tls.acme.dns: a CA gives wildcards by dns-01 alone";
        notes.problem(place, `${need}, got ${JSON.stringify(text)}`);
      } else if (acme["ca"] === undefined && isLocal(text)) {
        notes.warning(place, "no public CA knows such a name: use tls: internal");
      }
    }
  }
  if (!isUsed && Object.keys(acme).some((key) => key !== "storage")) {
    notes.warning(["tls", "acme"], "it has no effect without a site with tls: auto", "key");
  }
}

function isLocal(host: string): boolean {
  return host !== "*" && (LOCAL.test(host) || LABELS_OF_ONE.test(host));
}
