import assert from "node:assert/strict";
import { test } from "node:test";
import { exchangeOf, requestOf } from "../../../test/support/exchange-of.ts";
import { SeededRandom } from "../../base/seeded-random.ts";
import type { Exchange } from "../../core/exchange.ts";
import { type ForwardTarget, TargetChoice } from "./target.ts";

const CLIENTS = 10_000;

const targetOf = (name: string) => ({ upstream: { name } }) as ForwardTarget; // more is not read

function choiceOf(weights: Readonly<Record<string, number>>): TargetChoice {
  const sides = Object.entries(weights).map(([name, weight]) => {
    return { target: targetOf(name), weight };
  });
  const clientKey = ({ client }: Exchange) => client.address;
  const options = { sides, failover: [targetOf("dr")], spills: true, clientKey };
  return new TargetChoice(options, new SeededRandom(1));
}

function orderOf(choice: TargetChoice, client: number): string[] {
  const exchange = exchangeOf({ request: requestOf("GET /"), clientIp: `client-${client}` });
  return choice.order(exchange).map(({ upstream }) => upstream.name);
}

/** The side of each client. */
function sidesOf(weights: Readonly<Record<string, number>>): string[] {
  const choice = choiceOf(weights);
  return Array.from({ length: CLIENTS }, (_, client) => orderOf(choice, client)[0]!);
}

function shareOf(sides: readonly string[], name: string): number {
  return sides.filter((side) => side === name).length / sides.length;
}

function movesOf(before: readonly string[], after: readonly string[]): string[] {
  return before.flatMap((side, client) =>
    side === after[client] ? [] : [`${side}→${after[client]}`],
  );
}

test("TargetChoice: sticky shares follow the weights", () => {
  const sides = sidesOf({ v1: 70, v2: 25, v3: 5, v4: 0 });

  for (const [name, want] of Object.entries({ v1: 0.7, v2: 0.25, v3: 0.05, v4: 0 })) {
    assert.ok(Math.abs(shareOf(sides, name) - want) < 0.01, `${name} ${shareOf(sides, name)}`);
  }
});

test("TargetChoice: raising a side from 5 to 10 in 100 moves 5 in 100, and only to it", () => {
  const moves = movesOf(sidesOf({ v1: 95, v2: 5 }), sidesOf({ v1: 90, v2: 10 }));

  assert.deepEqual(new Set(moves), new Set(["v1→v2"]));
  assert.ok(Math.abs(moves.length / CLIENTS - 0.05) < 0.01, `${moves.length}`);
});

test("TargetChoice: a side that is turned off gives its clients up, and moves no other", () => {
  const moves = movesOf(sidesOf({ v1: 50, v2: 30, v3: 20 }), sidesOf({ v1: 50, v2: 30, v3: 0 }));

  assert.deepEqual(new Set(moves), new Set(["v3→v1", "v3→v2"]));
});

test("TargetChoice: the others follow the first by weight, and failover comes last", () => {
  const choice = choiceOf({ v1: 10, v2: 0, v3: 30, v4: 20 });

  const orders = new Set(
    Array.from({ length: 200 }, (_, client) => orderOf(choice, client).join(" ")),
  );

  assert.deepEqual(orders, new Set(["v1 v3 v4 dr", "v3 v4 v1 dr", "v4 v3 v1 dr"]));
});
