import { FollowedFile } from "../../../base/followed-file.ts";
import type { Exchange } from "../../../core/exchange.ts";
import type { Step } from "../../../core/filter.ts";
import { isBasic, parseBasic } from "../../../protocol/http/basic-credentials.ts";
import { idOf } from "../../../protocol/http/header-id.ts";
import type { AuthMethod, AuthMethodKind, AuthTools, Refused, Verdict } from "../auth-method.ts";
import type { FailureGuard } from "../failure-guard.ts";
import { type BasicOptions, basicSchema } from "./basic-options.ts";
import { checkPassword } from "./check-password.ts";
import { HashThread, type PasswordChecker } from "./hash-thread.ts";
import { Remembered } from "./remembered.ts";
import { parseUserFile, type User, UserList } from "./user-list.ts";

const AUTHORIZATION = idOf("authorization");
const FILE_BYTES_MAX = 16 * 1024 * 1024;
const BUSY_RETRY_MS = 1_000;

/** Name and password (RFC 7617), for browsers and everything else. */
export const basic: AuthMethodKind<BasicOptions> = {
  key: "basic",
  about: "A name and a password, in Authorization: Basic.",
  schema: basicSchema,
  build: (options, tools) => new Basic(options, tools),
};

class Basic implements AuthMethod {
  readonly key = "basic";
  readonly #options: BasicOptions;
  readonly #guard: FailureGuard | undefined;
  readonly #inline: UserList;
  readonly #file: FollowedFile<UserList> | undefined;
  readonly #remembered: Remembered;
  readonly #checker: PasswordChecker;
  /** Those under way, so that many requests at once pay for one hash. */
  readonly #checks: Map<string, Promise<boolean | undefined>>;

  constructor(options: BasicOptions, tools: AuthTools) {
    const { file, rememberMs } = options;
    const { world } = tools;
    this.#options = options;
    this.#guard = tools.guard;
    this.#inline = new UserList(options.users);
    this.#file =
      file === undefined
        ? undefined
        : tools.keepForAll(`users of ${file}`, () => usersOf(file, tools));
    this.#remembered = tools.keepForAll(
      `passwords remembered for ${rememberMs}`,
      () => new Remembered(world.clock, rememberMs),
    );
    this.#checker = tools.isDry
      ? AT_ONCE
      : tools.keepForAll("passwords", () => new HashThread(world.log));
    this.#checks = new Map();
  }

  verify(exchange: Exchange): Step<Verdict> {
    const { headers } = exchange.request;
    const field = headers.first(AUTHORIZATION);
    if (field === undefined || !isBasic(field)) return undefined;
    if (headers.all("authorization").length > 1) return refused("Authorization is there twice");
    const shown = parseBasic(field);
    if (shown === undefined) return refused("malformed credentials");
    const { name, password } = shown;
    const user = this.#inline.find(name) ?? this.#file?.current().find(name);
    const key = this.#remembered.keyOf(`${name}\n${password}`, user?.text ?? "");
    if (user !== undefined && this.#remembered.has(key)) return user.proof;
    const waitMs = this.#guard?.waitMs(exchange.client.address, name) ?? 0;
    if (waitMs > 0) {
      return {
        kind: "refused",
        fault: { code: "auth_limited", detail: "too many attempts failed", retryAfterMs: waitMs },
      };
    }
    return this.#check(shown, user, key);
  }

  strip({ request }: Exchange): void {
    if (this.#options.passesOn) return;
    const field = request.headers.first(AUTHORIZATION);
    if (field !== undefined && isBasic(field)) request.headers.delete("authorization");
  }

  challenge(): string {
    return `Basic realm="${this.#options.realm}", charset="UTF-8"`;
  }

  explain(): string {
    return "a name and a password (basic)";
  }

  async #check(
    { name, password }: { readonly name: string; readonly password: string },
    user: User | undefined,
    key: string,
  ): Promise<Verdict> {
    const hash = user?.hash ?? this.#decoyFor(name);
    if (hash === undefined) return wrong(name); // there is nobody at all
    const check = this.#checks.get(key) ?? this.#checker.check(password, hash);
    if (check === undefined) return BUSY;
    this.#checks.set(key, check);
    const holds = await check;
    this.#checks.delete(key);
    if (holds === undefined) return UNTOLD;
    if (!holds || user === undefined) return wrong(name);
    this.#remembered.add(key);
    return user.proof;
  }

  #decoyFor(name: string) {
    return this.#inline.decoyFor(name) ?? this.#file?.current().decoyFor(name);
  }
}

/** For `explain`, which serves nobody else. */
const AT_ONCE: PasswordChecker = {
  check: async (password, hash) => checkPassword(password, hash),
};

function usersOf(file: string, { world }: AuthTools): FollowedFile<UserList> {
  return new FollowedFile(file, {
    bytesMax: FILE_BYTES_MAX,
    make: (bytes) => new UserList(parseUserFile(bytes.toString("utf8"))),
    world,
  });
}

function wrong(name: string): Refused {
  return { ...refused("a wrong name or password"), isGuess: true, name };
}

function refused(detail: string): Refused {
  return { kind: "refused", fault: { code: "auth_failed", detail } };
}

const BUSY: Refused = {
  kind: "refused",
  fault: {
    code: "auth_unavailable",
    detail: "too many passwords wait to be checked",
    retryAfterMs: BUSY_RETRY_MS,
  },
};
const UNTOLD: Refused = {
  kind: "refused",
  fault: { code: "auth_unavailable", detail: "the password could not be checked" },
};
