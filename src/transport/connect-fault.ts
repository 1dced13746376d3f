import type { FaultCode } from "../core/fault.ts";

// As OpenSSL calls what its check of a certificate finds, and Node what it finds of the name.
const PREFIXES = [
  ...["CERT_", "CRL_", "UNABLE_TO_", "SELF_SIGNED", "DEPTH_ZERO", "ERROR_IN_C", "INVALID_"],
  ...["PATH_LENGTH", "ERR_TLS_CERT", "HOSTNAME_", "IP_ADDRESS_", "EMAIL_"],
];

/** Why there is no connection to an endpoint. */
export function connectCode(
  error: NodeJS.ErrnoException | undefined,
  isSecuring: boolean,
): FaultCode {
  const { code, syscall } = error ?? {};
  if (!isSecuring && syscall !== "handshake") {
    return code === "ENOTFOUND" || code === "EAI_AGAIN" ? "name_unresolved" : "connect_refused";
  }
  const isUntrusted = PREFIXES.some((prefix) => code?.startsWith(prefix));
  return isUntrusted ? "upstream_tls_untrusted" : "upstream_tls_failed";
}
