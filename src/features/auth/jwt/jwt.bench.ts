/**
 * What a token costs: beside the check of its signature, and once it is known.
 *
 *     node src/features/auth/jwt/jwt.bench.ts
 *
 * All variants take turns; the figures are medians of the rounds.
 */
import { jwtVerify } from "jose";
import { requestOf } from "../../../../test/support/exchange-of.ts";
import { SimClock } from "../../../../test/support/sim-clock.ts";
import { issuerOf } from "../../../../test/support/tokens.ts";
import { ALGORITHMS, verifySignature } from "../../../protocol/jwt/algorithm.ts";
import { readJwk, type VerifyingKey } from "../../../protocol/jwt/jwk.ts";
import { readToken, type Token } from "../../../protocol/jwt/token.ts";
import { headerSource } from "../api-key/key-source.ts";
import { OwnKeys } from "./key-source.ts";
import { TokenVerifier } from "./token-verifier.ts";
import { VerifiedTokens } from "./verified-tokens.ts";

const ROUNDS = 9;
const MS_PER_ROUND = 60;
const clock = new SimClock();
const NOW_S = clock.wallMs() / 1000;

/** Microseconds of the processor for each. */
async function cpuUs(act: () => unknown): Promise<number> {
  const usage = process.cpuUsage();
  let count = 0;
  for (const end = clockMs() + MS_PER_ROUND; clockMs() < end; count++) await act();
  const { user, system } = process.cpuUsage(usage);
  return (user + system) / count;
}

const clockMs = () => Number(process.hrtime.bigint()) / 1e6;
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;

console.log("algorithm  signature alone  token, not known  token, known  jose  (µs of CPU)");
for (const algorithm of ["ES256", "RS256", "EdDSA"] as const) {
  const issuer = await issuerOf(algorithm, "k1", NOW_S);
  const text = await issuer.sign({
    email: "alice@example.com",
    scope: "read write",
    roles: ["a", "b"],
  });
  const key = readJwk(issuer.jwk) as VerifyingKey;
  const token = readToken(text) as Token;
  const issuers = ["https://idp.test"];
  const rules = {
    issuers,
    audiences: ["shop"],
    leewayMs: 0,
    types: undefined,
    algorithms: ALGORITHMS,
  };
  const verifier = (remember: number) =>
    new TokenVerifier(
      { ...rules, nameClaim: "sub", method: "jwt" },
      new OwnKeys([key]),
      new VerifiedTokens(remember),
      clock,
    );
  const [cold, warm] = [verifier(0), verifier(10)];
  const source = headerSource("Authorization", "Bearer");
  const request = requestOf("GET /", { authorization: `Bearer ${text}` });
  const options = { audience: "shop", issuer: issuers, currentDate: new Date(NOW_S * 1000) };
  const acts = [
    () => verifySignature(algorithm, key.key, token),
    () => cold.verify(source.read(request)[0]!),
    () => warm.verify(source.read(request)[0]!),
    () => jwtVerify(text, key.key, options),
  ];
  const rounds = acts.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, act] of acts.entries()) rounds[index]!.push(await cpuUs(act));
  }
  const cells = rounds.map((each) => median(each).toFixed(1).padStart(14)).join(" ");
  console.log(`${algorithm.padEnd(8)} ${cells}`);
}
