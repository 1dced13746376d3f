/** Several workers: each has its own keys and questions, and a session is one for all of them. */
import assert from "node:assert/strict";
import { Browser } from "../support/browser.ts";
import { startProvider } from "../support/oidc-provider.ts";
import { firstStatus, OK, scenario } from "../support/scenario.ts";
import { issuerOf } from "../support/tokens.ts";
import { openWebServer, sendJson } from "../support/web-server.ts";

const SLOW = { timeoutMs: 60_000 }; // processes with several workers, on a busy machine
const SITE = "https://shop.test";

scenario(
  "auth over workers: a session refreshes once, whichever worker its requests come to",
  async (it) => {
    const provider = await startProvider({ origin: SITE, accessTokenS: 2 });
    it.defer(() => provider.close());
    const origin = await it.origin(OK);
    const proxy = await it.process(`
    workers: 3
    upstreams: { app: "${origin.url}" }
    sites:
      - hosts: ["*"]
        auth:
          oidc: { issuer: "${provider.issuer}", clientId: shop, clientSecret: "shop secret: +/%", origin: "${SITE}",
                  secret: "a secret of this test, long enough to seal with", scopes: [openid, offline_access] }
        routes: [{ forward: app }]`);
    const browser = new Browser({ "shop.test": proxy.port });
    const form = await browser.go(`${SITE}/`);
    const consent = await browser.submit(form, { login: "alice", password: "x" });
    assert.equal((await browser.submit(consent)).status, 200);
    const old = new Map(browser.jar("shop.test"));
    await new Promise((resolve) => setTimeout(resolve, 2_100));

    const tabs = Array.from({ length: 30 }, () => {
      const tab = new Browser({ "shop.test": proxy.port });
      tab.cookies.set("shop.test", new Map(old));
      return tab;
    });
    const headers = { accept: "application/json" };
    const pages = await Promise.all(tabs.map((tab) => tab.ask(`${SITE}/`, { headers })));

    assert.deepEqual(new Set(pages.map(({ status }) => status)), new Set([200]));
    assert.equal(provider.asked.filter((each) => each === "POST /token").length, 2);
  },
);

scenario(
  "auth over workers: tokens hold on all of them",
  async (it) => {
    const issuer = await issuerOf("ES256", "k1", Math.floor(Date.now() / 1000));
    const server = await openWebServer((_request, response) =>
      sendJson(response, { keys: [issuer.jwk] }),
    );
    it.defer(() => server.close());
    const origin = await it.origin(OK);
    const jwt = `{ jwks: "${server.url}/keys", issuer: any, audience: shop }`;
    await it.process(`
    workers: 2
    upstreams: { app: "${origin.url}", authz: "${origin.url}" }
    sites:
      - hosts: ["*"]
        routes:
          - { match: { path: /f }, forward: app, auth: { forward: { to: authz } } }
          - { forward: app, auth: { jwt: ${jwt} } }`);
    const token = await issuer.sign();
    const get = (path: string) =>
      `GET ${path} HTTP/1.1\r\nhost: a.test\r\nauthorization: Bearer ${token}\r\n\r\n`;

    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => it.client(get(index % 2 === 0 ? "/" : "/f"))),
    );

    assert.deepEqual(new Set(answers.map(firstStatus)), new Set([200]));
    assert.ok(server.asked.length <= 2, "once for each worker at most");
  },
  SLOW,
);
