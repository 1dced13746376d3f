import type { Clock } from "../../../base/world.ts";
import { stageRequest } from "../../../core/body-stage.ts";
import type { Exchange } from "../../../core/exchange.ts";
import type { Fault, FaultCode } from "../../../core/fault.ts";
import { type Mode, refuse } from "../../../core/refusal.ts";
import { hasBody } from "../../../protocol/h1/framing.ts";
import type {
  AuthMethod,
  AuthMethodKind,
  AuthTools,
  Proven,
  Refused,
  Verdict,
} from "../auth-method.ts";
import { DigestStage, wantedDigest } from "./digest-stage.ts";
import {
  type HmacOptions,
  hmacSchema,
  type RequestOptions,
  type UrlOptions,
} from "./hmac-options.ts";
import { ReplayMemory } from "./replay-memory.ts";
import { SecretKeys } from "./secret-keys.ts";
import { missingOf, claimOf as requestClaimOf } from "./signed-request.ts";
import { covers, signedText, claimOf as urlClaimOf, withoutOurs } from "./signed-url.ts";

/** What only somebody who has the secret can have made: a URL, or a request. */
export const hmac: AuthMethodKind<HmacOptions> = {
  key: "hmac",
  about: "A signature by a shared secret: of a URL, or of a request (RFC 9421).",
  schema: hmacSchema,
  build: (options, tools) => new Hmac(options, tools),
};

class Hmac implements AuthMethod {
  readonly key = "hmac";
  readonly #options: HmacOptions;
  readonly #keys: SecretKeys;
  readonly #clock: Clock;
  readonly #mode: Mode;
  readonly #replays: ReplayMemory | undefined;

  constructor(options: HmacOptions, tools: AuthTools) {
    const { world, machine } = tools;
    this.#options = options;
    this.#keys = new SecretKeys(options.keys);
    this.#clock = world.clock;
    this.#mode = tools.mode;
    this.#replays =
      options.request === undefined
        ? undefined
        : tools.keepForAll("auth signatures", () => {
            const memory = machine.block("auth signatures", ReplayMemory.byteLength);
            return new ReplayMemory(memory, world.clock);
          });
  }

  verify(exchange: Exchange): Verdict {
    const { url, request } = this.#options;
    const shown = request === undefined ? undefined : this.#verifyRequest(exchange, request);
    if (shown !== undefined || url === undefined) return shown;
    return this.#verifyUrl(exchange, url);
  }

  strip({ request }: Exchange): void {
    const { url, passesOn } = this.#options;
    if (passesOn) return;
    if (url !== undefined) request.upstreamQuery = withoutOurs(request.upstreamQuery);
    if (this.#options.request === undefined) return;
    request.headers.delete("signature");
    request.headers.delete("signature-input");
  }

  challenge(): string | undefined {
    return this.#options.request === undefined ? undefined : "Signature"; // of RFC 9421 there is no scheme
  }

  explain(): string {
    const { url, request } = this.#options;
    if (request === undefined) return "a signed URL (hmac)";
    return url === undefined ? "a signed request (hmac)" : "a signed request or URL (hmac)";
  }

  // --- URLs --------------------------------------------------------------------------------------

  #verifyUrl({ request }: Exchange, { maxAgeMs }: UrlOptions): Verdict {
    const claim = urlClaimOf(request.query);
    if (claim === undefined) return undefined;
    if (claim === "malformed") return refused("a malformed signature of a URL");
    const { method, host, path } = request;
    const parts = { host, path, query: withoutOurs(request.query) };
    const proof = this.#keys.find(claim.keyId, signedText(parts, claim), claim.signature);
    if (proof === undefined) return refused("a signature that is not of this URL");
    // From here on it is known who made it.
    const leftMs = claim.expires * 1_000 - this.#clock.wallMs();
    if (leftMs <= 0) return denied("the URL has expired");
    if (leftMs > maxAgeMs) return denied("the URL is good for longer than maxAge");
    if (method !== "GET" && method !== "HEAD") return denied(`a signed URL is not for ${method}`);
    if (claim.prefix !== undefined && !covers(claim.prefix, path)) {
      return denied(`the URL is for ${claim.prefix}`);
    }
    return proof;
  }

  // --- requests ----------------------------------------------------------------------------------

  #verifyRequest(exchange: Exchange, options: RequestOptions): Verdict {
    const claim = requestClaimOf(exchange, (id) => this.#keys.has(id));
    if (claim === undefined) return undefined;
    if (typeof claim === "string") return refused(claim);
    const { input, base, signature } = claim;
    const proof = this.#keys.find(input.keyId, base, signature);
    if (proof === undefined) return refused("a signature that is not of this request");
    const missing = missingOf(input);
    if (missing !== undefined) return denied(`the signature does not cover ${missing}`);
    return (
      this.#staleness(input, options) ??
      this.#body(exchange, input.components, options) ??
      this.#once(signature, options, proof)
    );
  }

  #staleness(
    {
      created,
      expires,
    }: { readonly created: number | undefined; readonly expires: number | undefined },
    { windowMs }: RequestOptions,
  ): Refused | undefined {
    const nowMs = this.#clock.wallMs();
    if (created === undefined) return denied("the signature does not say when it was created");
    if (Math.abs(nowMs - created * 1_000) > windowMs)
      return denied("the signature is too old, or of the future");
    return expires !== undefined && expires * 1_000 <= nowMs
      ? denied("the signature has expired")
      : undefined;
  }

  #body(
    exchange: Exchange,
    components: readonly string[],
    { signsBodies }: RequestOptions,
  ): Refused | undefined {
    if (!signsBodies || !hasBody(exchange.downstream.requestFraming)) return undefined;
    const digest = wantedDigest(exchange.request.headers.all("content-digest").join(", "));
    if (digest === undefined || !components.includes("content-digest")) {
      return denied(
        "the signature does not cover the body by a Content-Digest of sha-256 or sha-512",
      );
    }
    const faultOf = () =>
      refuse(exchange, OTHER_BODY, this.#mode) === undefined ? undefined : OTHER_BODY;
    stageRequest(exchange, (onward) => new DigestStage(onward, digest, faultOf));
    return undefined;
  }

  /** Last, for what is refused otherwise may come again once it is right. */
  #once(signature: Buffer, { windowMs }: RequestOptions, proof: Proven): Verdict {
    const found = this.#replays!.note(signature, 2 * windowMs);
    if (found === "new") return proof;
    if (found === "seen") return denied("the signature was here before");
    const detail = "more signatures than can be remembered";
    return { kind: "refused", fault: { code: "auth_unavailable", detail, retryAfterMs: 1_000 } };
  }
}

const OTHER_BODY: Fault = {
  code: "auth_failed",
  detail: "the body is not the one that was signed",
};

/** Somebody may be guessing. */
function refused(detail: string): Refused {
  return { ...told("auth_failed", detail), isGuess: true };
}

/** Whoever made it has the secret, and it does not do for this request. */
function denied(detail: string): Refused {
  return told("auth_failed", detail);
}

function told(code: FaultCode, detail: string): Refused {
  return { kind: "refused", fault: { code, detail } };
}
