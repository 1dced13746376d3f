import { createHash } from "node:crypto";
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";
import type { CertificateEntry } from "../core/certificates.ts";
import type { TrustTexts } from "./client-trust.ts";
import { TICKET_MS, ticketKeys, ticketNameOf } from "./ticket-secrets.ts";
import { profileOptions, type TlsProfile } from "./tls-profile.ts";

/** What a context is for: sessions are resumed in the scope that they began in, and in no other (T1). */
export interface TlsScope {
  readonly key: string; // listener, site and policy
  readonly profile: TlsProfile;
  readonly trust?: TrustTexts | undefined; // undefined: clients are not asked for certificates
}

/** What a client would resume, and with what tickets are sealed now. */
export interface Resumption {
  readonly ticketName: string; // "": nothing
  readonly secrets: readonly string[]; // the newest first
}

const SCOPE_CHARS = 32; // what OpenSSL takes at most

/**
 * OpenSSL's contexts, made when the first client needs one: each is some tens of kilobytes, and a
 * proxy may have ten thousand certificates. They go with the entry that they were made of.
 *
 * A context has one key for tickets. A client who comes with a ticket of the one before is given
 * the context before, which renews its tickets under the old key for as long as that is read.
 */
export class TlsContexts {
  readonly #byEntry: WeakMap<CertificateEntry, Map<string, Kept>>;

  constructor() {
    this.#byEntry = new WeakMap();
  }

  find(entry: CertificateEntry, scope: TlsScope, resumption: Resumption): SecureContext {
    let ofEntry = this.#byEntry.get(entry);
    if (ofEntry === undefined) {
      ofEntry = new Map();
      this.#byEntry.set(entry, ofEntry);
    }
    const { ticketName, secrets } = resumption;
    const [newest = ""] = secrets;
    const kept = keptOf(ofEntry, scope);
    if (kept.sealed[0]?.secret !== newest) {
      const older = kept.sealed.filter(({ secret }) => secrets.includes(secret));
      kept.sealed = [newSealed(entry, scope, newest), ...older];
    }
    const { sealed } = kept;
    // Nearly always there is one, or the first is the right one.
    const found = sealed.find((each) => each.ticketName === ticketName) ?? sealed[0]!;
    return found.context;
  }
}

function keptOf(ofEntry: Map<string, Kept>, { key, trust }: TlsScope): Kept {
  const version = trust?.version ?? "";
  const known = ofEntry.get(key);
  if (known?.version === version) return known;
  const kept = { version, sealed: [] };
  ofEntry.set(key, kept);
  return kept;
}

/** The contexts of a scope, the newest first, for as long as its trust is the same. */
interface Kept {
  readonly version: string; // of the trust
  sealed: readonly Sealed[];
}

/** A context and what its tickets are sealed with. */
interface Sealed {
  readonly secret: string;
  readonly ticketName: string;
  readonly context: SecureContext;
}

function newSealed(entry: CertificateEntry, scope: TlsScope, secret: string): Sealed {
  if (secret === "") return { secret, ticketName: "none", context: newContext(entry, scope) };
  const keys = ticketKeys(secret, sessionScope(scope));
  return { secret, ticketName: ticketNameOf(keys), context: newContext(entry, scope, keys) };
}

// A certificate that a new list revokes must not come in by a session that began before it (T1).
function sessionScope({ key, trust }: TlsScope): string {
  return trust === undefined ? key : `${key} ${trust.version}`;
}

/** With a list, each authority on a client's chain must have one, and none may have expired. */
function trustOptions(trust: TrustTexts | undefined): SecureContextOptions {
  if (trust === undefined) return {};
  const { ca, crl } = trust;
  return { ca: [...ca], ...(crl.length === 0 ? {} : { crl: [...crl] }) };
}

/** Throws where OpenSSL does not take it. Without keys they are the context's own. */
export function newContext(
  { cert, key }: CertificateEntry,
  scope: TlsScope,
  keys?: Buffer,
): SecureContext {
  const sessions = createHash("sha256").update(sessionScope(scope)).digest("hex");
  return createSecureContext({
    cert,
    key,
    ...profileOptions(scope.profile),
    ...trustOptions(scope.trust),
    sessionIdContext: sessions.slice(0, SCOPE_CHARS),
    sessionTimeout: TICKET_MS / 1000,
    ...(keys === undefined ? {} : { ticketKeys: keys }),
  });
}
