import { constants } from "node:crypto";
import type { SecureContextOptions } from "node:tls";

export const TLS_PROFILES = ["modern", "intermediate"] as const;

/** What may be negotiated, after Mozilla's lists (guidelines 5.7, without finite-field DHE). */
export type TlsProfile = (typeof TLS_PROFILES)[number];

export const TLS_PROFILE: TlsProfile = "intermediate";

// The first that the client sends a key for is taken, or one that costs no round trip more.
const GROUPS = "X25519MLKEM768:X25519:prime256v1:secp384r1";

const SUITES_13 = [
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
];

const SUITES_12 = ["AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"].flatMap(
  (rest) => [`ECDHE-ECDSA-${rest}`, `ECDHE-RSA-${rest}`],
);

const SECURE_OPTIONS = constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION;

/** The client knows best which cipher it is fast at: all of them are good. */
export function profileOptions(profile: TlsProfile): SecureContextOptions {
  const isModern = profile === "modern";
  return {
    minVersion: isModern ? "TLSv1.3" : "TLSv1.2",
    maxVersion: "TLSv1.3",
    ciphers: (isModern ? SUITES_13 : [...SUITES_13, ...SUITES_12]).join(":"),
    ecdhCurve: GROUPS,
    honorCipherOrder: false,
    secureOptions: SECURE_OPTIONS,
  };
}
