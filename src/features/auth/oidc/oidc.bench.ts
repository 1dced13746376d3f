/**
 * What a session costs: of a cookie that is seen for the first time, and of one that is known.
 *
 *     node src/features/auth/oidc/oidc.bench.ts
 */
import { requestOf } from "../../../../test/support/exchange-of.ts";
import { issuerOf } from "../../../../test/support/tokens.ts";
import { OwnCookie } from "./own-cookies.ts";
import { Seal } from "./seal.ts";
import { newSessionId } from "./session.ts";
import { Sessions } from "./sessions.ts";

const COUNT = 20_000;
const NOW_S = 1_800_000_000;
const issuer = await issuerOf("RS256");
const idToken = await issuer.sign({
  email: "alice@example.com",
  name: "Alice",
  groups: ["a", "b", "c"],
});
const times = { idleS: 3_600, absoluteS: 36_000 };
const sessions = new Sessions(
  new OwnCookie("__Host-sluice"),
  new Seal(["a secret of this bench, long enough to seal"], "session"),
  { bound: "bench", times, nameClaim: "sub" },
);

function requestWith(id: string) {
  const tokens = { idToken, more: undefined, refreshToken: "r".repeat(40), accessToken: undefined };
  const session = { id, version: 0, begunS: NOW_S, seenS: NOW_S, refreshS: 0, ...tokens };
  const [line = ""] = sessions.write(session, requestOf("GET /").headers, NOW_S)!;
  return requestOf("GET /", { cookie: `theme=dark; ${line.split(";")[0]}` });
}

const many = Array.from({ length: COUNT }, () => requestWith(newSessionId()));
const one = requestWith("one");
console.log(`cookie of ${one.headers.get("cookie")!.length} bytes`);

for (const round of [1, 2, 3]) {
  const cells = (
    [
      ["not known", (index: number) => many[index]!],
      ["known", () => one],
    ] as const
  ).map(([name, pick]) => {
    const usage = process.cpuUsage();
    for (let index = 0; index < COUNT; index++) sessions.find(pick(index).headers, NOW_S);
    const { user, system } = process.cpuUsage(usage);
    return `${name} ${((user + system) / COUNT).toFixed(1)} µs`;
  });
  console.log(`round ${round}: ${cells.join(", ")}`);
}
