/** Who is served over TLS on a listener, and with which certificates. */
import type { World } from "../base/world.ts";
import { Certificates } from "../core/certificates.ts";
import type { Limits } from "../core/limits.ts";
import type { Machine } from "../core/machine.ts";
import type { Protocol } from "../core/runtime.ts";
import type { StateDraft } from "../core/state.ts";
import type { TlsPlan } from "../core/tls.ts";
import type { ShownProofs } from "../tls/acme/proofs.ts";
import { certificateFilesId } from "../tls/certificate-files.ts";
import { type ClientAuthOptions, policyOf } from "../tls/client-auth.ts";
import { ClientTrust } from "../tls/client-trust.ts";
import { HandshakeGuard } from "../tls/handshake-guard.ts";
import { TlsContexts } from "../tls/tls-contexts.ts";
import { type SiteTrust, TlsListener } from "../tls/tls-listener.ts";
import type { Config, ListenerConfig, SiteConfig } from "./config.ts";

interface Around {
  readonly listener: ListenerConfig;
  readonly limits: Limits; // the listener's, settled
  readonly draft: StateDraft;
  readonly machine: Machine;
  readonly certificates: Certificates | undefined;
  readonly proofs: ShownProofs | undefined;
  readonly isOnDemand: boolean;
  readonly world: Pick<World, "clock" | "log">;
}

export function compileTls(sites: readonly SiteConfig[], around: Around): TlsPlan {
  const { listener, limits, draft, machine, world, proofs, isOnDemand } = around;
  const { certificates = new Certificates() } = around;
  const guardKey = `TLS handshakes ${listener.key}`;
  return new TlsListener({
    key: listener.key,
    alpn: alpnOf(listener.protocols),
    sites: sites.map(({ name, hosts, tls }) => ({
      name,
      hosts,
      certificateIds: tls!.certificates.map(certificateFilesId),
      automatic: tls!.automatic,
      profile: tls!.profile,
      clientAuth: tls!.clientAuth && siteTrust(tls!.clientAuth, around),
    })),
    certificates,
    proofs,
    isOnDemand,
    guard: draft.keep(
      guardKey,
      () => new HandshakeGuard(machine.block(guardKey, HandshakeGuard.byteLength), world.clock),
    ),
    handshakes: {
      perSecond: limits.handshakesPerSecond,
      perClient: limits.handshakesPerClient,
    },
    contexts: draft.keep("TLS contexts", () => new TlsContexts()),
  });
}

function siteTrust(options: ClientAuthOptions, { draft, world }: Around): SiteTrust {
  const { mode, ca, crl } = options;
  const policy = policyOf(options);
  const trust = draft.keep(`client trust ${policy}`, () => new ClientTrust(world, { ca, crl }));
  return { mode, policy, trust };
}

/** The better one first: it is ours to choose. */
function alpnOf(protocols: readonly Protocol[]): readonly string[] {
  const both = [protocols.includes("h2") ? "h2" : "", protocols.includes("h1") ? "http/1.1" : ""];
  return both.filter((name) => name !== "");
}

/** The site where it is asked for without TLS: whatever is asked for is asked for again, with it. */
export function redirectingSite(site: SiteConfig, { listeners }: Config): SiteConfig {
  const ports = site.listen.map((key) => listeners.find((each) => each.key === key)!.address.port);
  const port = ports.includes(443) || ports[0] === 443 ? "" : `:${ports[0]}`;
  const { name, at, hosts, paths, errors, limits, timeouts, rates } = site;
  const levels = { limits, timeouts, rates };
  return {
    ...{ name, at, hosts, paths, errors, ...levels },
    listen: [],
    tls: undefined,
    routes: [
      {
        name: `${name}#https`,
        at,
        match: undefined,
        handler: { key: "redirect", options: { to: `https://{host}${port}{target}`, status: 308 } },
        filters: [],
        retry: undefined,
        hedge: undefined,
        mirror: undefined,
        errors,
        limits: {},
        timeouts: {},
        rates: {},
      },
    ],
  };
}
