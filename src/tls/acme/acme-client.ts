import { VERSION } from "../../base/version.ts";
import type { Clock, Web, WebAnswer } from "../../base/world.ts";
import { type Signer, signRequest } from "../../protocol/acme/jws.ts";
import { type AcmeDirectory, readDirectory, readProblem } from "../../protocol/acme/resources.ts";
import { retryAfterMs } from "../../protocol/acme/retry-after.ts";
import { AcmeFailure } from "./acme-failure.ts";
import type { Authority } from "./authority.ts";

export interface AcmeWorld {
  readonly clock: Clock;
  readonly web: Web;
}

/** What a CA said, read no further than its kind. */
export interface AcmeAnswer {
  readonly status: number;
  readonly json: unknown; // undefined where it is something else
  readonly text: string;
  readonly location: string | undefined;
  readonly retryAfterMs: number | undefined;
}

const ANSWER_MS = 30_000;
const ANSWER_BYTES_MAX = 1024 * 1024; // a long chain has some 20 KiB
const NONCES_MAX = 16; // as many as there are conversations at once
const BAD_NONCES_MAX = 20; // even a CA that refuses every other one lets the request through by then
const READ_TRIES = 4; // of what changes nothing
const READ_PAUSE_MS = 1_000; // doubled each time
const DIRECTORY_MS = 3_600_000; // it changes about never

/**
 * The requests that one CA gets (RFC 8555 §6): signed, each with a nonce of its own; a nonce that
 * is refused means another try, and nothing else does, unless it only reads. Answers are bounded
 * in time and size.
 */
export class AcmeClient {
  readonly authority: Authority;
  readonly #world: AcmeWorld;
  readonly #nonces: string[];
  #directory: Promise<AcmeDirectory> | undefined;
  #directoryUntilMs: number;

  constructor(world: AcmeWorld, authority: Authority) {
    this.authority = authority;
    this.#world = world;
    this.#nonces = [];
    this.#directory = undefined;
    this.#directoryUntilMs = 0;
  }

  directory(): Promise<AcmeDirectory> {
    const nowMs = this.#world.clock.nowMs();
    if (this.#directory === undefined || nowMs >= this.#directoryUntilMs) {
      this.#directoryUntilMs = nowMs + DIRECTORY_MS;
      const asked = this.get(this.authority.directory).then(({ json }) => readDirectory(json));
      this.#directory = asked;
      asked.catch(() => {
        if (this.#directory === asked) this.#directory = undefined; // the next one asks anew
      });
    }
    return this.#directory;
  }

  /** Of what is there for everybody. */
  async get(url: string): Promise<AcmeAnswer> {
    return this.#orFailure(await this.#patiently(() => this.#ask("GET", url, undefined)));
  }

  /** POST-as-GET: what only the account may see. */
  async read(url: string, signer: Signer): Promise<AcmeAnswer> {
    return this.#orFailure(await this.#patiently(() => this.#post(url, undefined, signer)));
  }

  /** What changes something, so it is sent once: who got no answer cannot know what was done. */
  async send(url: string, payload: unknown, signer: Signer): Promise<AcmeAnswer> {
    return this.#orFailure(await this.#post(url, payload, signer));
  }

  async #post(url: string, payload: unknown, signer: Signer): Promise<WebAnswer> {
    for (let tries = 1; ; tries++) {
      const nonce = this.#nonces.pop() ?? (await this.#newNonce());
      const body = JSON.stringify(signRequest(signer, { url, nonce, payload }));
      const answer = await this.#ask("POST", url, body);
      if (answer.status !== 400 || tries === BAD_NONCES_MAX) return answer;
      if (readProblem(jsonOf(answer)).type !== "badNonce") return answer;
    }
  }

  async #newNonce(): Promise<string> {
    const { newNonce } = await this.directory();
    this.#orFailure(await this.#patiently(() => this.#ask("HEAD", newNonce, undefined)));
    const nonce = this.#nonces.pop();
    if (nonce === undefined) throw new AcmeFailure("malformed", "the CA gives out no nonces");
    return nonce;
  }

  async #ask(
    method: "GET" | "HEAD" | "POST",
    url: string,
    body: string | undefined,
  ): Promise<WebAnswer> {
    const type = body === undefined ? {} : { "content-type": "application/jose+json" };
    try {
      const answer = await this.#world.web.ask({
        method,
        url,
        body,
        headers: { "user-agent": `sluice/${VERSION}`, accept: "*/*", ...type },
        roots: this.authority.roots,
        timeoutMs: ANSWER_MS,
        answerBytesMax: ANSWER_BYTES_MAX,
      });
      const nonce = answer.headers.get("replay-nonce");
      if (nonce !== undefined && /^[A-Za-z0-9_-]{1,256}$/.test(nonce)) {
        this.#nonces.push(nonce);
        if (this.#nonces.length > NONCES_MAX) this.#nonces.shift(); // the oldest expires first
      }
      return answer;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new AcmeFailure("unreachable", `${this.authority.name} cannot be reached: ${why}`);
    }
  }

  /** A hiccup of the CA or of the network is not worth giving up an order. */
  async #patiently(ask: () => Promise<WebAnswer>): Promise<WebAnswer> {
    for (let tries = 1; ; tries++) {
      const isLast = tries === READ_TRIES;
      try {
        const answer = await ask();
        if (isLast || answer.status < 500 || answer.headers.has("retry-after")) return answer;
      } catch (error) {
        if (isLast || !(error instanceof AcmeFailure && error.kind === "unreachable")) throw error;
      }
      await pause(this.#world.clock, READ_PAUSE_MS * 2 ** (tries - 1));
    }
  }

  #orFailure(answer: WebAnswer): AcmeAnswer {
    const { status, headers, body } = answer;
    const wallMs = this.#world.clock.wallMs();
    const later = retryAfterMs(headers.get("retry-after"), wallMs);
    const json = jsonOf(answer);
    if (status < 200 || status > 299) throw this.#failure(status, json, later);
    return {
      status,
      json,
      text: Buffer.from(body).toString("utf8"),
      location: headers.get("location"),
      retryAfterMs: later,
    };
  }

  #failure(status: number, json: unknown, later: number | undefined): AcmeFailure {
    const { name } = this.authority;
    const more = { retryAfterMs: later ?? 0 };
    if (json === undefined && status !== 429) {
      const kind = status >= 500 ? "unreachable" : "malformed";
      return new AcmeFailure(kind, `${name} answers ${status} and no reason`, more);
    }
    const problem = readProblem(json);
    const said = `${name} answers ${status} ${problem.type}: ${problem.detail}`;
    // RFC 8555 §6.6 has it as a 429, and Boulder's "paused" too; some say it with another status.
    if (status === 429 || problem.type === "rateLimited") {
      return new AcmeFailure("rateLimited", said, { problem, ...more });
    }
    return new AcmeFailure(status >= 500 ? "unreachable" : "refused", said, { problem, ...more });
  }
}

export function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve);
  });
}

/** Undefined for what is no JSON, or does not say that it is. */
function jsonOf({ headers, body }: WebAnswer): unknown {
  if (!/^application\/(?:[a-z]+\+)?json\b/i.test(headers.get("content-type") ?? ""))
    return undefined;
  try {
    return JSON.parse(Buffer.from(body).toString("utf8"));
  } catch {
    return undefined;
  }
}
