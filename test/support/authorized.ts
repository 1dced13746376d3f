/** An authorizer that is scripted, and a proxy that asks it. */
import type { Answer } from "./origin.ts";
import { OK, type Scenario } from "./scenario.ts";

export const YES = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx-auth-user: alice\r\n\r\n";

/** `options`: more of `forward`; `auth`: more beside it. */
export async function authorized(it: Scenario, answer: Answer, options = "", auth = "") {
  const origin = await it.origin(OK);
  const authorizer = await it.origin(answer);
  const proxy = await it.proxy(`
    upstreams: { app: "${origin.url}", authz: "${authorizer.url}" }
    sites:
      - hosts: ["*"]
        routes: [{ forward: app, auth: { forward: { to: authz ${options} } ${auth} } }]`);
  return { origin, authorizer, proxy };
}

export function getFrom(path = "/", ...fields: string[]): string {
  return [`GET ${path} HTTP/1.1`, "host: a.test", ...fields, "", ""].join("\r\n");
}
