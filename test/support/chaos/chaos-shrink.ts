import type { ChaosPlan } from "./chaos-plan.ts";
import { runChaos } from "./chaos-run.ts";

const RUNS_MAX = 400;

/** A smaller plan that fails as well: clients, requests and disturbances are left out in turn. */
export async function shrunk(plan: ChaosPlan): Promise<ChaosPlan> {
  let smallest = plan;
  let runs = 0;
  for (let hasShrunk = true; hasShrunk; ) {
    hasShrunk = false;
    for (const smaller of smallerThan(smallest)) {
      if (++runs > RUNS_MAX) return smallest;
      const { complaints } = await runChaos(smaller);
      if (complaints.length === 0) continue;
      smallest = smaller;
      hasShrunk = true;
      break;
    }
  }
  return smallest;
}

function* smallerThan(plan: ChaosPlan): Generator<ChaosPlan> {
  for (const place of plan.clients.keys()) {
    yield { ...plan, clients: plan.clients.toSpliced(place, 1) };
  }
  for (const place of plan.disturbances.keys()) {
    yield { ...plan, disturbances: plan.disturbances.toSpliced(place, 1) };
  }
  if (plan.drainsAtMs !== undefined) yield { ...plan, drainsAtMs: undefined };
  for (const [place, client] of plan.clients.entries()) {
    for (const dropped of client.requests.keys()) {
      if (client.requests.length === 1) break;
      const fewer = { ...client, requests: client.requests.toSpliced(dropped, 1) };
      yield { ...plan, clients: plan.clients.with(place, fewer) };
    }
  }
  const { jitterMs, ...calm } = plan.network;
  if (jitterMs !== 0 && jitterMs !== undefined)
    yield { ...plan, network: { ...calm, jitterMs: 0 } };
}
