/** `sluice sign`: makes a URL that auth.hmac takes. */

import { parseArgs } from "node:util";
import { SystemClock } from "../base/system-clock.ts";
import { durationMs } from "../core/fields.ts";
import { covers, signQuery } from "../features/auth/hmac/signed-url.ts";
import { parseAuthority } from "../protocol/http/authority.ts";
import { canonicalTarget, TARGET_POLICY } from "../protocol/http/target.ts";
import type { AnswerIo } from "./command.ts";
import { firstSentence, wrongUsage } from "./options.ts";
import { readSecret } from "./secret-input.ts";

const NAME = "sign";

/** 0: it is on the output, 1: there was no secret, 2: wrong usage. */
export async function sign(
  args: readonly string[],
  io: AnswerIo,
  wallMs = new SystemClock().wallMs(),
): Promise<number> {
  const said = readUsage(args);
  if (typeof said === "string") return wrongUsage(NAME, said, io);
  const { url, key, ms, prefix } = said;
  const parts = partsOf(url);
  if (typeof parts === "string") return wrongUsage(NAME, parts, io);
  if (prefix !== undefined && !covers(prefix, parts.path)) {
    return wrongUsage(
      NAME,
      '--prefix must begin and end with "/", and the path of URL with it',
      io,
    );
  }
  const secret = await readSecret("Secret", io);
  if (secret === "") throw new Error("there is no secret");
  const expires = Math.ceil((wallMs + ms) / 1_000);
  const query = signQuery(parts, { keyId: key, expires, prefix }, secret);
  io.stdout.write(`${parts.origin}${parts.path}?${query}\n`);
  return 0;
}

interface Usage {
  readonly url: string;
  readonly key: string;
  readonly ms: number;
  readonly prefix: string | undefined;
}

function readUsage(args: readonly string[]): Usage | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        key: { type: "string", short: "k" },
        expires: { type: "string", short: "e" },
        prefix: { type: "string" },
      },
    });
    const [url, ...more] = positionals;
    const { key, expires, prefix } = values;
    if (url === undefined || more.length > 0) return "one URL is wanted";
    if (key === undefined || !/^[A-Za-z0-9._-]{1,64}$/.test(key))
      return "--key must be the id of a key of auth.hmac";
    const ms = durationMs(expires ?? "");
    if (!(ms > 0)) return '--expires must be a duration such as "1h"';
    return { url, key, ms, prefix };
  } catch (error) {
    return error instanceof Error ? firstSentence(error.message) : String(error);
  }
}

/** As the proxy will see them: what is signed has to be what is asked. */
function partsOf(url: string) {
  const target = canonicalTarget(url, "GET", TARGET_POLICY);
  if (target.kind !== "absolute" || target.scheme === "")
    return "URL must begin with http:// or https://, and have no fragment";
  const authority = parseAuthority(target.authority, target.scheme);
  if (authority === undefined) return "URL has a host that cannot be";
  return {
    origin: `${target.scheme}://${target.authority}`,
    host: authority.host,
    path: target.path,
    query: target.query,
  };
}
