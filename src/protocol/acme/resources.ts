/**
 * What a CA answers with (RFC 8555 §7.1), read with suspicion: whatever is not as it must be ends
 * in a MalformedAnswer, so that nothing behind this file sees text of a kind it does not expect.
 */
import { canonicalAddress, type Identifier } from "./identifier.ts";

export class MalformedAnswer extends Error {
  constructor(what: string) {
    super(`the CA's answer is malformed: ${what}`);
    this.name = "MalformedAnswer";
  }
}

export interface AcmeDirectory {
  readonly newNonce: string;
  readonly newAccount: string;
  readonly newOrder: string;
  readonly revokeCert: string | undefined;
  readonly renewalInfo: string | undefined; // RFC 9773
  readonly profiles: readonly string[]; // draft-ietf-acme-profiles
  readonly needsExternalAccount: boolean;
  readonly termsOfService: string | undefined;
}

/** RFC 7807, with what RFC 8555 §6.7 adds. */
export interface AcmeProblem {
  readonly type: string; // "rateLimited": without the prefix of the registered ones
  readonly detail: string;
}

export type OrderStatus = "pending" | "ready" | "processing" | "valid" | "invalid";

export interface AcmeOrder {
  readonly status: OrderStatus;
  readonly identifiers: readonly Identifier[];
  readonly authorizations: readonly string[];
  readonly finalize: string;
  readonly certificate: string | undefined;
  readonly error: AcmeProblem | undefined;
}

export interface AcmeAuthorization {
  readonly status: string;
  readonly identifier: Identifier; // without "*."
  readonly isWildcard: boolean;
  readonly challenges: readonly AcmeChallenge[];
}

export interface AcmeChallenge {
  readonly type: string;
  readonly url: string;
  readonly status: string;
  readonly token: string;
  readonly error: AcmeProblem | undefined;
}

/** When a CA would like to be asked for the next certificate (RFC 9773 §4.2). */
export interface RenewalWindow {
  readonly startMs: number; // wall time
  readonly endMs: number;
  readonly explanation: string | undefined;
}

const LIST_MAX = 100;
const TEXT_CHARS_MAX = 2_048;
const PREFIX = "urn:ietf:params:acme:error:";

export function readDirectory(value: unknown): AcmeDirectory {
  const fields = map(value, "the directory");
  const meta = fields["meta"] === undefined ? {} : map(fields["meta"], "meta");
  const profiles = meta["profiles"] === undefined ? {} : map(meta["profiles"], "profiles");
  return {
    newNonce: url(fields["newNonce"], "newNonce"),
    newAccount: url(fields["newAccount"], "newAccount"),
    newOrder: url(fields["newOrder"], "newOrder"),
    revokeCert: optional(fields["revokeCert"], (text) => url(text, "revokeCert")),
    renewalInfo: optional(fields["renewalInfo"], (text) => url(text, "renewalInfo")),
    profiles: Object.keys(profiles).slice(0, LIST_MAX),
    needsExternalAccount: meta["externalAccountRequired"] === true,
    termsOfService: optional(meta["termsOfService"], (value) => text(value, "termsOfService")),
  };
}

export function readOrder(value: unknown): AcmeOrder {
  const fields = map(value, "the order");
  const status = text(fields["status"], "status");
  if (!isOrderStatus(status)) throw new MalformedAnswer(`status is ${quoted(status)}`);
  return {
    status,
    identifiers: list(fields["identifiers"], "identifiers").map(readIdentifier),
    authorizations: list(fields["authorizations"], "authorizations").map((each) =>
      url(each, "authorizations"),
    ),
    finalize: url(fields["finalize"], "finalize"),
    certificate: optional(fields["certificate"], (each) => url(each, "certificate")),
    error: optional(fields["error"], readProblem),
  };
}

export function readAuthorization(value: unknown): AcmeAuthorization {
  const fields = map(value, "the authorization");
  return {
    status: text(fields["status"], "status"),
    identifier: readIdentifier(fields["identifier"]),
    isWildcard: fields["wildcard"] === true,
    challenges: list(fields["challenges"], "challenges").map(readChallenge),
  };
}

export function readChallenge(value: unknown): AcmeChallenge {
  const fields = map(value, "the challenge");
  const type = text(fields["type"], "type");
  // Challenges of other kinds than ours need not have one.
  const token = optional(fields["token"], (each) => text(each, "token")) ?? "";
  // It becomes a path and a file's name: this alphabet (RFC 8555 §8.1) can climb nowhere.
  if (!/^[A-Za-z0-9_-]{0,256}$/.test(token))
    throw new MalformedAnswer("a token with other letters");
  return {
    type,
    url: url(fields["url"], "url"),
    status: optional(fields["status"], (each) => text(each, "status")) ?? "pending",
    token,
    error: optional(fields["error"], readProblem),
  };
}

/** Never throws: what is no problem document says at least that it is none. */
export function readProblem(value: unknown): AcmeProblem {
  if (typeof value !== "object" || value === null) return { type: "unknown", detail: "" };
  const { type, detail, subproblems } = value as Readonly<Record<string, unknown>>;
  const parts = Array.isArray(subproblems) ? subproblems.slice(0, 10).map(subproblem) : [];
  return {
    type: typeof type === "string" ? shortened(type.replace(PREFIX, "")) : "unknown",
    detail: shortened([typeof detail === "string" ? detail : "", ...parts].join("; ")),
  };
}

export function readWindow(value: unknown): RenewalWindow {
  const fields = map(value, "the renewal information");
  const { start, end } = map(fields["suggestedWindow"], "suggestedWindow");
  const startMs = Date.parse(text(start, "start"));
  const endMs = Date.parse(text(end, "end"));
  if (!(startMs < endMs)) throw new MalformedAnswer("a window that ends before it starts");
  const explanation = optional(fields["explanationURL"], (each) => text(each, "explanationURL"));
  return { startMs, endMs, explanation };
}

function readIdentifier(value: unknown): Identifier {
  const fields = map(value, "the identifier");
  const name = text(fields["value"], "value").toLowerCase();
  if (fields["type"] === "dns") return { type: "dns", value: name };
  if (fields["type"] !== "ip") throw new MalformedAnswer("an identifier of another type");
  if (!/^[0-9a-f.:]+$/.test(name)) throw new MalformedAnswer("an address that is none");
  try {
    return { type: "ip", value: canonicalAddress(name) };
  } catch {
    throw new MalformedAnswer("an address that is none");
  }
}

function subproblem(value: unknown): string {
  const { type, detail } = readProblem(value);
  const { identifier } = (value ?? {}) as Readonly<Record<string, unknown>>;
  const { value: name } = (identifier ?? {}) as Readonly<Record<string, unknown>>;
  return `${typeof name === "string" ? `${name}: ` : ""}${type} ${detail}`;
}

function isOrderStatus(status: string): status is OrderStatus {
  return ["pending", "ready", "processing", "valid", "invalid"].includes(status);
}

function map(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw new MalformedAnswer(`${what} is no map`);
}

function list(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value) && value.length <= LIST_MAX) return value;
  throw new MalformedAnswer(`${what} is no list of at most ${LIST_MAX}`);
}

function text(value: unknown, what: string): string {
  if (typeof value === "string" && value.length <= TEXT_CHARS_MAX) return value;
  throw new MalformedAnswer(`${what} is no text, or too long`);
}

/** https only: a CA that sends us elsewhere would get what only it should see. */
function url(value: unknown, what: string): string {
  const parsed = URL.parse(text(value, what));
  if (parsed?.protocol === "https:") return parsed.href;
  throw new MalformedAnswer(`${what} is no https URL`);
}

function optional<T>(value: unknown, read: (value: unknown) => T): T | undefined {
  return value === undefined || value === null ? undefined : read(value);
}

function shortened(text: string): string {
  // It goes into logs and on terminals.
  const plain = text.replaceAll(/[^\x20-\x7e]+/g, " ").trim();
  return plain.length <= 500 ? plain : `${plain.slice(0, 500)}…`;
}

function quoted(text: string): string {
  return JSON.stringify(shortened(text));
}
