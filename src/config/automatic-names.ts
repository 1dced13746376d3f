import type { CertificateNeeds } from "../tls/acme/automatic-certificates.ts";
import type { Config } from "./config.ts";

/** The names that certificates come for by themselves; undefined where there are none. */
export function certificateNeeds({ sites, acme }: Config): CertificateNeeds | undefined {
  const automatic = new Set<string>();
  const internal = new Set<string>();
  let isWanted = false;
  for (const { hosts, tls } of sites) {
    if (tls?.automatic === undefined) continue;
    isWanted = true;
    const names = tls.automatic === "auto" ? automatic : internal;
    for (const host of hosts) {
      if (host === "*") continue; // on demand, if at all
      const isProvable = tls.automatic === "internal" || acme.challenges.includes("dns-01");
      if (host.startsWith("*.") && !isProvable) continue;
      names.add(host.replace(/^\[(.*)\]$/, "$1"));
    }
  }
  if (!isWanted) return undefined;
  return { acme, automatic: [...automatic], internal: [...internal] };
}
