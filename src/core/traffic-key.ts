import { networkOf } from "../base/client-network.ts";
import type { Exchange } from "./exchange.ts";
import { wanted, z } from "./fields.ts";
import { Template, templateProblem } from "./template.ts";

/** By what traffic is told apart where each has its own share of something. */
export type TrafficKey = (exchange: Exchange) => string;

/** The key `per`, with the words that stand for themselves. It stays text in the config. */
export function trafficKeyIn(words: readonly string[]) {
  const form = `${words.join(", ")}, or text with placeholders such as "{header.x-api-key}"`;
  return z.string({ error: wanted(form) }).superRefine((text, context) => {
    if (words.includes(text)) return;
    const problem = templateProblem(text, "text");
    if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
    else if (new Template(text, "text").isConstant)
      context.addIssue({ code: "custom", message: wanted(form)({ input: text }) });
  });
}

export const trafficKeyField = trafficKeyIn(["clientIp", "identity", "all"])
  .default("clientIp")
  .describe(
    "By what requests are told apart: clientIp (of IPv6 the /64), identity, all (together), " +
      'or placeholders such as "{header.x-api-key}".',
  );

/** What no placeholder has a value for goes by its client: nobody gets a share by sending nothing. */
export function trafficKey(per: string): TrafficKey {
  if (per === "all") return () => "";
  if (per === "clientIp") return byClient;
  const template = new Template(per === "identity" ? "{identity}" : per, "text");
  const nothing = template.expand(undefined);
  return (exchange) => {
    const value = template.expand(exchange);
    return value === nothing ? byClient(exchange) : `=${value}`; // never like an address
  };
}

function byClient({ client }: Exchange): string {
  return networkOf(client.address);
}
