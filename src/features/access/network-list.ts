import { CidrSet, parseCidr } from "../../base/cidr.ts";

const COUNT_MAX = 250_000; // of IPv4 a third of a second of work, which is done while others wait

/**
 * Networks and addresses, a line each; what follows one after a space, ";" or "#" is left alone.
 * Throws with what is wrong.
 */
export function parseNetworks(text: string): CidrSet {
  const lines = text.split("\n").map((line) => /^[^\s#;]*/.exec(line.trimStart())![0]);
  const networks = lines.filter((line) => line !== "");
  if (networks.length > COUNT_MAX) throw new Error(`has more than ${COUNT_MAX} networks`);
  try {
    return new CidrSet(networks);
  } catch {
    throw new Error(firstProblem(lines));
  }
}

/** The set says what is wrong, and not where. */
function firstProblem(lines: readonly string[]): string {
  for (const [index, network] of lines.entries()) {
    const cidr = network === "" ? undefined : parseCidr(network);
    if (typeof cidr !== "string") continue;
    return `line ${index + 1}: ${JSON.stringify(network.slice(0, 60))} ${cidr}`;
  }
  return "has a network that cannot be used";
}
