import type { X509Certificate } from "node:crypto";
import { DeclaredHeaders } from "../core/declared-header.ts";
import type { SiteClientAuth } from "../core/runtime.ts";
import type { ClientTls } from "../core/tls.ts";
import type { HeaderList } from "../protocol/http/header-list.ts";
import { type IdentityPart, identityPart } from "./client-identity.ts";

/** How a site asks clients for certificates. */
export interface ClientAuthOptions {
  readonly mode: "required" | "optional";
  readonly ca: readonly string[]; // files, absolute
  readonly crl: readonly string[];
  readonly headers: Readonly<Record<string, IdentityPart>>; // by the name of the field
}

type Told = readonly (readonly [name: string, value: string])[];

/**
 * What a site that asks for certificates does with them once there is a request: the declared fields
 * say who the client is, and nobody else can say it (SECURITY H4, H5).
 */
export class ClientAuth implements SiteClientAuth {
  readonly policy: string;
  readonly #parts: readonly (readonly [name: string, part: IdentityPart])[];
  readonly #declared: DeclaredHeaders;
  readonly #told: WeakMap<X509Certificate, Told>; // for each connection once

  constructor(options: ClientAuthOptions) {
    this.policy = policyOf(options);
    this.#parts = Object.entries(options.headers);
    this.#declared = new DeclaredHeaders(this.#parts.map(([name]) => name));
    this.#told = new WeakMap();
  }

  declare(headers: HeaderList, { certificate }: ClientTls): void {
    if (this.#parts.length === 0) return;
    this.#declared.drop(headers);
    if (certificate === undefined) return;
    for (const [name, value] of this.#tell(certificate)) headers.add(name, value);
  }

  #tell(certificate: X509Certificate): Told {
    let told = this.#told.get(certificate);
    if (told === undefined) {
      told = this.#parts
        .map(([name, part]) => [name, identityPart(certificate, part)] as const)
        .filter(([, value]) => value !== "");
      this.#told.set(certificate, told);
    }
    return told;
  }
}

/** Who was let in under one is let in under the other. */
export function policyOf({ mode, ca, crl }: ClientAuthOptions): string {
  return JSON.stringify([mode, ca, crl]);
}
