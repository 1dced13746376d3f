import { createHash } from "node:crypto";
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";
import type { CertificateEntry } from "../core/certificates.ts";
import type { TrustTexts } from "./client-trust.ts";
import { profileOptions, type TlsProfile } from "./tls-profile.ts";

/** What a context is for: sessions are resumed in the scope that they began in, and in no other (T1). */
export interface TlsScope {
  readonly key: string; // listener, site and policy
  readonly profile: TlsProfile;
  readonly trust?: TrustTexts | undefined; // undefined: clients are not asked for certificates
}

interface Kept {
  readonly context: SecureContext;
  readonly version: string; // of the trust
}

const SCOPE_CHARS = 32; // what OpenSSL takes at most

/**
 * OpenSSL's contexts, made when the first client needs one: each is some tens of kilobytes, and a
 * proxy may have ten thousand certificates. They go with the entry that they were made of.
 */
export class TlsContexts {
  readonly #byEntry: WeakMap<CertificateEntry, Map<string, Kept>>;

  constructor() {
    this.#byEntry = new WeakMap();
  }

  find(entry: CertificateEntry, scope: TlsScope): SecureContext {
    let ofEntry = this.#byEntry.get(entry);
    if (ofEntry === undefined) {
      ofEntry = new Map();
      this.#byEntry.set(entry, ofEntry);
    }
    const version = scope.trust?.version ?? "";
    let kept = ofEntry.get(scope.key);
    if (kept?.version !== version) {
      kept = { context: newContext(entry, scope), version };
      ofEntry.set(scope.key, kept);
    }
    return kept.context;
  }
}

// A certificate that a new list revokes must not come in by a session that began before it (T1).
function sessionScope({ key, trust }: TlsScope): string {
  const scope = trust === undefined ? key : `${key} ${trust.version}`;
  return createHash("sha256").update(scope).digest("hex").slice(0, SCOPE_CHARS);
}

/** With a list, each authority on a client's chain must have one, and none may have expired. */
function trustOptions(trust: TrustTexts | undefined): SecureContextOptions {
  if (trust === undefined) return {};
  const { ca, crl } = trust;
  return { ca: [...ca], ...(crl.length === 0 ? {} : { crl: [...crl] }) };
}

/** Throws where OpenSSL does not take it. */
export function newContext({ cert, key }: CertificateEntry, scope: TlsScope): SecureContext {
  return createSecureContext({
    cert,
    key,
    ...profileOptions(scope.profile),
    ...trustOptions(scope.trust),
    sessionIdContext: sessionScope(scope),
  });
}
