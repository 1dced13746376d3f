/**
 * A CA in memory that keeps to RFC 8555: it checks every signature, takes each nonce once, and
 * issues real certificates. It misbehaves as a test tells it to.
 */
import assert from "node:assert/strict";
import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  verify,
} from "node:crypto";
import type { Clock, Random, WebAnswer, WebQuestion } from "../../src/base/world.ts";
import { certificateId } from "../../src/protocol/acme/certificate-id.ts";
import {
  alternativeNames,
  authorityConstraints,
  authorityKeyId,
  toPem,
  writeCertificate,
} from "../../src/protocol/acme/certificate-writer.ts";
import { readDer } from "../../src/protocol/der/der.ts";

export interface SimOrder {
  readonly names: readonly string[];
  readonly account: string;
  readonly atMs: number; // wall time
  readonly profile: string | undefined;
  readonly replaces: string | undefined;
  status: string;
  proven: boolean;
  asked: number; // how often the client has polled it
  error?: unknown;
  certificate?: string;
}

/** A public key as JSON, as Node takes it. */
type KeyInput = Extract<Parameters<typeof createPublicKey>[0], { format: "jwk" }>;

interface SimAccount {
  readonly key: KeyObject;
  contact: unknown;
}

export interface SimChallenge {
  readonly kind: string;
  readonly name: string;
  readonly token: string;
  readonly authorization: string; // what the proof must be
}

const DAY_MS = 86_400_000;

export class SimCa {
  readonly host: string;
  readonly orders: SimOrder[] = [];
  readonly accounts = new Map<string, SimAccount>();
  readonly requests: string[] = []; // "POST /order"
  lifeMs = 90 * DAY_MS;
  nonceRejectPercent = 0;
  pollsBeforeDone = 1; // of an order, until it goes on
  challenges: readonly string[] = ["http-01", "tls-alpn-01", "dns-01"];
  externalKeys: ReadonlyMap<string, string> | undefined;
  profiles: Readonly<Record<string, string>> | undefined;
  isDown = false;
  hangs = false;
  /** Whether the proof is where it should be. */
  looks: (challenge: SimChallenge) => boolean | Promise<boolean> = () => true;
  /** Says something else than the CA would. */
  lies: ((question: WebQuestion, path: string) => WebAnswer | undefined) | undefined;
  /** The wish for a certificate, by its id; undefined: no ARI. */
  wish: ((id: string) => { readonly start: number; readonly end: number } | undefined) | undefined;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #nonces = new Set<string>();
  readonly #key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  readonly #keyId = randomBytes(20);
  readonly #certificates: string[] = [];
  #count = 0;

  constructor(clock: Clock, random: Random, host = "ca.test") {
    this.#clock = clock;
    this.#random = random;
    this.host = host;
  }

  get directory(): string {
    return `https://${this.host}/dir`;
  }

  /** In DER, by the order they were issued in. */
  get issued(): readonly string[] {
    return this.#certificates;
  }

  readonly answer = async (question: WebQuestion): Promise<WebAnswer> => {
    if (this.isDown) throw new Error("connect ECONNREFUSED");
    if (this.hangs) return await new Promise<never>(() => {});
    const path = new URL(question.url).pathname;
    this.requests.push(`${question.method} ${path}`);
    const lie = this.lies?.(question, path);
    if (lie !== undefined) return lie;
    if (question.method === "POST") return await this.#post(question, path);
    if (path === "/dir") return json(200, this.#directoryBody());
    if (path === "/nonce") return this.#with(json(200, {}));
    if (path.startsWith("/renewal/")) return this.#wishFor(path.slice("/renewal/".length));
    return problem(404, "malformed", "no such page");
  };

  #directoryBody() {
    const url = (path: string) => `https://${this.host}${path}`;
    return {
      newNonce: url("/nonce"),
      newAccount: url("/account"),
      newOrder: url("/order"),
      revokeCert: url("/revoke"),
      ...(this.wish === undefined ? {} : { renewalInfo: url("/renewal") }),
      meta: {
        externalAccountRequired: this.externalKeys !== undefined,
        ...(this.profiles === undefined ? {} : { profiles: this.profiles }),
      },
    };
  }

  async #post(question: WebQuestion, path: string): Promise<WebAnswer> {
    const jws = JSON.parse(question.body!) as Record<"protected" | "payload" | "signature", string>;
    const head = decoded(jws.protected) as {
      readonly alg: string;
      readonly nonce: string;
      readonly url: string;
      readonly kid?: string;
      readonly jwk?: NonNullable<KeyInput["key"]>;
    };
    assert.equal(question.headers["content-type"], "application/jose+json");
    assert.equal(head.url, question.url);
    const isFresh = this.#nonces.delete(head.nonce);
    if (!isFresh || this.#random.below(100) < this.nonceRejectPercent) {
      return this.#with(problem(400, "badNonce", "another one, please"));
    }
    const known = head.kid === undefined ? undefined : this.accounts.get(head.kid);
    if (head.kid !== undefined && known === undefined) {
      return this.#with(problem(400, "accountDoesNotExist", "who are you?"));
    }
    const key = known?.key ?? createPublicKey({ key: head.jwk!, format: "jwk" });
    const isSigned = verify(
      "sha256",
      Buffer.from(`${jws.protected}.${jws.payload}`),
      { key, dsaEncoding: "ieee-p1363" },
      Buffer.from(jws.signature, "base64url"),
    );
    assert.ok(isSigned, "the signature is right");
    const payload = jws.payload === "" ? undefined : decoded(jws.payload);
    return this.#with(await this.#serve(path, payload as Record<string, unknown>, { head, key }));
  }

  async #serve(
    path: string,
    payload: Record<string, unknown> | undefined,
    { head, key }: { head: { readonly kid?: string }; key: KeyObject },
  ): Promise<WebAnswer> {
    const [, what = "", text = ""] = path.split("/");
    const number = Number(text);
    const order = this.orders[number];
    if (what === "account") return this.#account(payload!, key, text);
    if (what === "order" && payload !== undefined) return this.#newOrder(payload, head.kid!);
    if (order === undefined) return problem(404, "malformed", "no such order");
    if (order.account !== head.kid) return problem(403, "unauthorized", "not yours");
    if (what === "order") return this.#orderAnswer(number, order, true);
    if (what === "authz") return this.#authorizationAnswer(number, order, key);
    if (what === "challenge") return await this.#challenge(number, order, path.split("/")[3]!, key);
    if (what === "finalize") return this.#finalize(number, order, payload!["csr"] as string);
    if (what === "cert") return pem(order.certificate!);
    return problem(404, "malformed", "no such page");
  }

  #account(payload: Record<string, unknown>, key: KeyObject, id: string): WebAnswer {
    if (id !== "") {
      this.accounts.get(`https://${this.host}/account/${id}`)!.contact = payload["contact"];
      return json(200, { status: "valid" });
    }
    const jwk = JSON.stringify(key.export({ format: "jwk" }));
    for (const [url, account] of this.accounts) {
      if (JSON.stringify(account.key.export({ format: "jwk" })) === jwk) {
        return json(200, { status: "valid" }, { location: url });
      }
    }
    if (this.externalKeys !== undefined) {
      const binding = payload["externalAccountBinding"] as Record<string, string> | undefined;
      const { kid } = (binding && decoded(binding["protected"]!)) as { readonly kid: string };
      if (!this.externalKeys.has(kid))
        return problem(403, "unauthorized", "no such external account");
    }
    const url = `https://${this.host}/account/${this.accounts.size + 1}`;
    this.accounts.set(url, { key, contact: payload["contact"] });
    return json(201, { status: "valid" }, { location: url });
  }

  #newOrder(payload: Record<string, unknown>, account: string): WebAnswer {
    const names = (payload["identifiers"] as { readonly value: string }[]).map(
      ({ value }) => value,
    );
    const order = {
      names,
      account,
      atMs: this.#clock.wallMs(),
      profile: payload["profile"] as string | undefined,
      replaces: payload["replaces"] as string | undefined,
      status: "pending",
      proven: false,
      asked: 0,
    };
    this.orders.push(order);
    const number = this.orders.length - 1;
    const answer = this.#orderAnswer(number, order, false);
    return {
      ...answer,
      status: 201,
      headers: new Map([...answer.headers, ["location", `https://${this.host}/order/${number}`]]),
    };
  }

  #orderAnswer(number: number, order: SimOrder, isPoll: boolean): WebAnswer {
    if (isPoll) order.asked++;
    const isOn = order.asked >= this.pollsBeforeDone;
    if (order.status === "pending" && order.proven && isOn) order.status = "ready";
    else if (order.status === "processing" && isOn) order.status = "valid";
    return json(200, {
      status: order.status,
      identifiers: order.names.map((value) => ({ type: typeOf(value), value })),
      authorizations: [`https://${this.host}/authz/${number}`],
      finalize: `https://${this.host}/finalize/${number}`,
      ...(order.status === "valid" ? { certificate: `https://${this.host}/cert/${number}` } : {}),
      ...(order.error === undefined ? {} : { error: order.error }),
    });
  }

  #authorizationAnswer(number: number, order: SimOrder, _key: KeyObject): WebAnswer {
    const name = order.names[0]!;
    const isWildcard = name.startsWith("*.");
    const status = order.status === "invalid" ? "invalid" : order.proven ? "valid" : "pending";
    return json(200, {
      status,
      identifier: { type: typeOf(name), value: name.replace(/^\*\./, "") },
      ...(isWildcard ? { wildcard: true } : {}),
      challenges: this.challenges
        .filter((type) => !isWildcard || type === "dns-01")
        .map((type) => ({
          type,
          url: `https://${this.host}/challenge/${number}/${type}`,
          token: tokenOf(number),
          status,
          ...(order.error === undefined ? {} : { error: order.error }),
        })),
    });
  }

  async #challenge(number: number, order: SimOrder, kind: string, key: KeyObject) {
    const { crv, kty, x, y } = key.export({ format: "jwk" });
    const thumbprint = createHash("sha256").update(JSON.stringify({ crv, kty, x, y }));
    const token = tokenOf(number);
    const authorization = `${token}.${thumbprint.digest("base64url")}`;
    const name = order.names[0]!.replace(/^\*\./, "");
    const isSeen = await this.looks({ kind, name, token, authorization });
    if (isSeen) order.proven = true;
    else {
      order.status = "invalid";
      order.error = {
        type: "urn:ietf:params:acme:error:unauthorized",
        detail: `no proof at ${name}`,
      };
    }
    const url = `https://${this.host}/challenge/${number}/${kind}`;
    return json(200, { type: kind, url, token, status: "processing" });
  }

  #finalize(number: number, order: SimOrder, csr: string): WebAnswer {
    if (order.status !== "ready") return problem(403, "orderNotReady", `it is ${order.status}`);
    order.certificate = this.#issue(order, Buffer.from(csr, "base64url"));
    order.status = "processing";
    order.asked = 0;
    return this.#orderAnswer(number, order, false);
  }

  #issue({ names }: SimOrder, csr: Buffer): string {
    const parts = readDer(readDer(readDer(csr)![0]!.content)![0]!.content)!;
    const publicKey = createPublicKey({
      key: Buffer.from(parts[2]!.whole),
      type: "spki",
      format: "der",
    });
    const wallMs = this.#clock.wallMs();
    const bytes = writeCertificate(
      {
        serial: Buffer.from([1, ...randomBytes(8)]),
        issuer: this.host,
        subject: "",
        notBeforeMs: wallMs,
        notAfterMs: wallMs + this.lifeMs,
        publicKey,
        extensions: [alternativeNames(names, true), authorityKeyId(this.#keyId)],
      },
      this.#key,
    );
    this.#certificates.push(certificateId(bytes)!);
    return toPem("CERTIFICATE", bytes);
  }

  #wishFor(id: string): WebAnswer {
    const window = this.wish?.(id);
    if (window === undefined) return problem(404, "malformed", "no such certificate");
    const iso = (ms: number) => new Date(ms).toISOString();
    const suggestedWindow = { start: iso(window.start), end: iso(window.end) };
    return json(200, { suggestedWindow }, { "retry-after": "21600" });
  }

  #with(answer: WebAnswer): WebAnswer {
    const nonce = `nonce-${this.#count++}`;
    this.#nonces.add(nonce);
    return { ...answer, headers: new Map([...answer.headers, ["replay-nonce", nonce]]) };
  }

  /** What its certificates come from. */
  root(): string {
    const bytes = writeCertificate(
      {
        serial: Buffer.from([1]),
        issuer: this.host,
        subject: this.host,
        notBeforeMs: this.#clock.wallMs(),
        notAfterMs: this.#clock.wallMs() + 3650 * DAY_MS,
        publicKey: createPublicKey(this.#key),
        extensions: [authorityConstraints(0)],
      },
      this.#key,
    );
    return toPem("CERTIFICATE", bytes);
  }
}

function tokenOf(number: number): string {
  return `token-of-order-${number}-which-is-long`;
}

function typeOf(name: string): "dns" | "ip" {
  return /^[\d.]+$|:/.test(name) ? "ip" : "dns";
}

function decoded(text: string): unknown {
  return JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
}

export function json(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): WebAnswer {
  return {
    status,
    headers: new Map([["content-type", "application/json"], ...Object.entries(headers)]),
    body: Buffer.from(JSON.stringify(value)),
  };
}

export function problem(
  status: number,
  type: string,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): WebAnswer {
  const body = { type: `urn:ietf:params:acme:error:${type}`, detail };
  return json(status, body, { "content-type": "application/problem+json", ...headers });
}

function pem(text: string): WebAnswer {
  return {
    status: 200,
    headers: new Map([["content-type", "application/pem-certificate-chain"]]),
    body: Buffer.from(text),
  };
}
