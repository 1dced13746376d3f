import type { CertificateEntry } from "../../core/certificates.ts";
import type { StapleStatus } from "./staple-keeper.ts";
import { stapledChainOf, staplingProblem } from "./stapled-chain.ts";

const MUST = "clients want it with a stapled OCSP answer (must-staple)";

/** What an operator should look at while it is served. `staple`: undefined where nobody is asked. */
export function staplingWarnings(
  entry: CertificateEntry,
  staple: StapleStatus | undefined,
): readonly string[] {
  if (staple?.state === "revoked") return ["its CA has revoked it"];
  const chain = stapledChainOf(entry);
  if (!chain.mustStaple || staple?.state === "stapled") return [];
  const why = staple === undefined ? (staplingProblem(chain) ?? "tls.ocsp is off") : staple.problem;
  return [`${MUST}, and there is none: ${why ?? "its responder has not answered yet"}`];
}

/** And before that, when nobody has been asked: what will be missing for certain. */
export function staplingForecast(entry: CertificateEntry, isOn: boolean): readonly string[] {
  const chain = stapledChainOf(entry);
  const why = staplingProblem(chain) ?? (isOn ? undefined : "tls.ocsp is off");
  return chain.mustStaple && why !== undefined ? [`${MUST}, and none is to be had: ${why}`] : [];
}
