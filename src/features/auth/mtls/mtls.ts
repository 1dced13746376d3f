import type { X509Certificate } from "node:crypto";
import type { Exchange } from "../../../core/exchange.ts";
import type { AuthMethod, AuthMethodKind, Refused, Verdict } from "../auth-method.ts";
import { claimsOf, valuesOf } from "./certificate-claims.ts";
import { type MtlsOptions, mtlsSchema } from "./mtls-options.ts";

/** The certificate that a client showed in the handshake, and that `tls.clientAuth` has verified. */
export const mtls: AuthMethodKind<MtlsOptions> = {
  key: "mtls",
  about: "The client's certificate, verified by tls.clientAuth of the site: true, or a map.",
  schema: mtlsSchema,
  build: (options) => new Mtls(options),
};

class Mtls implements AuthMethod {
  readonly key = "mtls";
  readonly #options: MtlsOptions;
  readonly #verdicts: WeakMap<X509Certificate, Verdict>; // for each connection once

  constructor(options: MtlsOptions) {
    this.#options = options;
    this.#verdicts = new WeakMap();
  }

  verify({ client }: Exchange): Verdict {
    const certificate = client.tls?.certificate;
    if (certificate === undefined) return undefined;
    let verdict = this.#verdicts.get(certificate);
    if (verdict === undefined) {
      verdict = judge(certificate, this.#options);
      this.#verdicts.set(certificate, verdict);
    }
    return verdict;
  }

  explain(): string {
    return "a client certificate (mtls)";
  }
}

function judge(certificate: X509Certificate, { identity, allow }: MtlsOptions): Verdict {
  const claims = claimsOf(certificate);
  const isAllowed =
    allow.length === 0 || allow.some(({ part, test }) => valuesOf(claims, part).some(test));
  if (!isAllowed) return refused("auth_forbidden", `no name of ${claims.subject} is allowed`);
  for (const part of identity) {
    const [name] = valuesOf(claims, part);
    if (name === undefined) continue;
    return {
      kind: "proven",
      identity: {
        method: "mtls",
        name,
        claims: claims as object as Readonly<Record<string, unknown>>,
      },
    };
  }
  return refused("auth_forbidden", `${claims.subject} has none of ${identity.join(", ")}`);
}

function refused(code: "auth_forbidden", detail: string): Refused {
  return { kind: "refused", fault: { code, detail } };
}
