/**
 * What challenge costs a request.
 *
 *     node src/features/challenge/challenge.bench.ts
 */
import { toolsOf } from "../../../test/support/build-tools.ts";
import { exchangeOf, requestOf } from "../../../test/support/exchange-of.ts";
import { SimWorker } from "../../../test/support/sim-worker.ts";
import { SimWorld } from "../../../test/support/sim-world.ts";
import { challenge } from "./challenge.ts";
import { isSolved, Puzzles } from "./puzzle.ts";

const ROUNDS = 7;
const TIMES = 20_000;
const BITS = 8;
const SECRET = "a secret of the bench";

const world = new SimWorld();
const options = challenge.schema.parse({ difficulty: BITS, secret: SECRET });
const filter = challenge.build(options, toolsOf(new SimWorker(world)));

function measured(name: string, headers: Record<string, string>): void {
  const rounds = Array.from({ length: ROUNDS }, () => {
    const exchanges = Array.from({ length: TIMES }, () =>
      exchangeOf({ request: requestOf("GET /", headers) }),
    );
    const beganMs = performance.now();
    for (const exchange of exchanges) filter.admit!(exchange);
    return ((performance.now() - beganMs) / TIMES) * 1000;
  });
  console.log(`${name}: ${rounds.sort((a, b) => a - b)[ROUNDS >> 1]!.toFixed(1)} µs`);
}

function answered(): string {
  const page = filter.admit!(exchangeOf({ request: requestOf("GET /", { accept: "text/html" }) }));
  const [, puzzle] = /postMessage\(\['([^']+)'/.exec(String((page as { body: string }).body))!;
  for (let answer = 0; ; answer++) {
    const pass = `${puzzle}.${answer.toString(36)}`;
    if (isSolved(pass, BITS)) return pass;
  }
}

const pass = answered();
measured("a page", { accept: "text/html" });
measured("a code", { accept: "*/*" });
measured("an answer that was seen", { cookie: `sluice_pass=${pass}` });

const puzzles = new Puzzles(Buffer.alloc(32, 1));
const whom = { client: "192.0.2.7", host: "a.test" };
const beganMs = performance.now();
for (let time = 0; time < TIMES; time++)
  puzzles.passEnd(pass, whom, { wallMs: world.clock.wallMs(), bitsMin: BITS, ttlMs: 1e9 });
console.log(
  `an answer that was not, up to its seal: ${(((performance.now() - beganMs) / TIMES) * 1000).toFixed(1)} µs`,
);
