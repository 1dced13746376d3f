import { apiKey } from "./api-key/api-key.ts";
import type { AuthMethodKind } from "./auth-method.ts";
import { basic } from "./basic/basic.ts";
import { forward } from "./forward/forward.ts";
import { hmac } from "./hmac/hmac.ts";
import { jwt } from "./jwt/jwt.ts";
import { mtls } from "./mtls/mtls.ts";
import { oidc } from "./oidc/oidc.ts";

/** The explicit list of ways to show who one is. */
export const methods: readonly AuthMethodKind<unknown>[] = [
  basic,
  apiKey,
  jwt,
  forward,
  oidc,
  mtls,
  hmac,
];
