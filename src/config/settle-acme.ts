/** Parsed `tls.acme` → `AcmeSettings`, with every default. */
import { resolve } from "node:path";
import type { AcmeSettings, DnsChallengeSettings } from "../tls/acme/acme-settings.ts";
import type { Authority } from "../tls/acme/authority.ts";
import type { ChallengeKind } from "../tls/acme/challenge.ts";
import { parseDnsServer } from "./address.ts";
import { KNOWN_AUTHORITIES } from "./shape/acme.ts";
import type { ParsedConfig } from "./shape.ts";

type ParsedAcme = NonNullable<NonNullable<ParsedConfig["tls"]>["acme"]>;
type ParsedAuthority = NonNullable<ParsedAcme["ca"]>[number];

const UPDATE_TTL_MS = 60_000;
const SEEN_MS = 120_000;
const PER_MINUTE = 10;
const NAMES_MAX = 1_000;

export function settleAcme(acme: ParsedAcme = {}, folder: string): AcmeSettings {
  const { storage, ca = [{ directory: "letsencrypt" }], dns, onDemand } = acme;
  return {
    storage: storage === undefined ? undefined : resolve(folder, storage),
    authorities: ca.map((each) => settleAuthority(each, acme)),
    challenges: acme.challenges ?? challengesOf(dns),
    keyType: acme.keyType ?? "p256",
    mustStaple: acme.mustStaple ?? false,
    dns: dns && settleDns(dns),
    onDemand: onDemand && {
      ask: onDemand.ask,
      perMinute: onDemand.perMinute ?? PER_MINUTE,
      namesMax: onDemand.names ?? NAMES_MAX,
    },
    isSelfSignedMeanwhile: acme.meanwhile === "selfSigned",
  };
}

function challengesOf(dns: unknown): readonly ChallengeKind[] {
  return dns === undefined ? ["http-01", "tls-alpn-01"] : ["dns-01", "http-01", "tls-alpn-01"];
}

function settleAuthority(said: ParsedAuthority, acme: ParsedAcme): Authority {
  const {
    directory: text,
    root,
    email,
    profile,
    externalAccount,
  } = {
    root: undefined,
    email: undefined,
    profile: undefined,
    externalAccount: undefined,
    ...said,
  };
  const directory = KNOWN_AUTHORITIES[text] ?? text;
  return {
    name: new URL(directory).host,
    directory,
    roots: root,
    email: email ?? acme.email,
    profile: profile ?? acme.profile,
    external: externalAccount && { kid: externalAccount.kid, macKey: externalAccount.key },
  };
}

function settleDns(dns: NonNullable<ParsedAcme["dns"]>): DnsChallengeSettings {
  const { update, command, call, resolvers, wait, delay } = dns;
  const shared = { resolvers: resolvers ?? [], waitMs: wait ?? SEEN_MS, delayMs: delay ?? 0 };
  if (command !== undefined) return { way: { kind: "command", command }, ...shared };
  if (call !== undefined) return { way: { kind: "function", change: call }, ...shared };
  const { server, zone, key, ttl } = update!; // the schema wants one of the three
  return {
    way: {
      kind: "update",
      server: parseDnsServer(server)!,
      zone,
      key: key && {
        name: key.name,
        algorithm: key.algorithm ?? "hmac-sha256",
        secret: Buffer.from(key.secret, "base64"),
      },
      ttlSeconds: Math.ceil((ttl ?? UPDATE_TTL_MS) / 1000),
    },
    ...shared,
  };
}
