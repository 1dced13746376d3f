import { createHash } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";
import type { CertificateEntry } from "../core/certificates.ts";
import { profileOptions, type TlsProfile } from "./tls-profile.ts";

/** What a context is for: sessions are resumed in the scope that they began in, and in no other (T1). */
export interface TlsScope {
  readonly key: string; // listener, site and policy
  readonly profile: TlsProfile;
}

const SCOPE_CHARS = 32; // what OpenSSL takes at most

/**
 * OpenSSL's contexts, made when the first client needs one: each is some tens of kilobytes, and a
 * proxy may have ten thousand certificates. They go with the entry that they were made of.
 */
export class TlsContexts {
  readonly #byEntry: WeakMap<CertificateEntry, Map<string, SecureContext>>;

  constructor() {
    this.#byEntry = new WeakMap();
  }

  find(entry: CertificateEntry, scope: TlsScope): SecureContext {
    let ofEntry = this.#byEntry.get(entry);
    if (ofEntry === undefined) {
      ofEntry = new Map();
      this.#byEntry.set(entry, ofEntry);
    }
    let context = ofEntry.get(scope.key);
    if (context === undefined) {
      context = newContext(entry, scope);
      ofEntry.set(scope.key, context);
    }
    return context;
  }
}

/** Throws where OpenSSL does not take it. */
export function newContext({ cert, key }: CertificateEntry, scope: TlsScope): SecureContext {
  return createSecureContext({
    cert,
    key,
    ...profileOptions(scope.profile),
    sessionIdContext: createHash("sha256").update(scope.key).digest("hex").slice(0, SCOPE_CHARS),
  });
}
