/** Logins at a real provider, as browsers make them, and the attacks on them. */
import assert from "node:assert/strict";
import { Browser, type Page } from "../support/browser.ts";
import { type ProviderSettings, startProvider } from "../support/oidc-provider.ts";
import { OK, type Scenario, scenario } from "../support/scenario.ts";

const SITE = "https://shop.test";
const SECRET = "a secret of this test, long enough to seal with";

async function stage(
  it: Scenario,
  options = "",
  settings: Partial<ProviderSettings> = {},
  auth = "",
) {
  const provider = await startProvider({ origin: SITE, ...settings });
  it.defer(() => provider.close());
  const origin = await it.origin(OK);
  const config = (more: string) => `
    upstreams: { app: "${origin.url}" }
    sites:
      - hosts: ["*"]
        auth:
          oidc: { issuer: "${provider.issuer}", clientId: shop, clientSecret: "shop secret: +/%", secret: "${SECRET}",
                  origin: "${SITE}", afterLogout: /bye ${more} }
          headers: { X-User: "{identity}", X-Mail: "{claim.email}" }
          ${auth}
        routes: [{ forward: app }]`;
  const proxy = await it.proxy(config(options));
  return { provider, origin, proxy, config, browser: new Browser({ "shop.test": proxy.port }) };
}

/** From a page of the site to the provider, in, and back; `until` stops before that URL is asked for. */
async function logIn(browser: Browser, url = `${SITE}/`, until?: string): Promise<Page> {
  const form = await browser.go(url, {}, until);
  if (!form.body.includes("<form")) return form; // the provider knows them
  const consent = await browser.submit(form, { login: "alice", password: "x" }, until);
  return consent.body.includes("<form") ? await browser.submit(consent, {}, until) : consent;
}

const PROGRAM = { accept: "application/json" };

scenario("oidc: a person logs in, comes back to where they wanted to, and stays in", async (it) => {
  const { browser, origin, provider, proxy } = await stage(it);

  const page = await logIn(browser, `${SITE}/orders?id=7&x=%2F`);
  const again = await browser.ask(`${SITE}/`);

  assert.equal(page.status, 200);
  assert.equal(page.url, `${SITE}/orders?id=7&x=%2F`);
  assert.equal(again.status, 200);
  assert.equal(again.headers["cache-control"], "private");
  const { head } = origin.received[0]!;
  assert.match(head, /^GET \/orders\?id=7&x=%2F HTTP/);
  assert.match(head, /\r\nX-User: alice\r\n/);
  assert.ok(!/cookie/i.test(head), `the session goes no further: ${head}`);
  assert.deepEqual(
    [...browser.jar("shop.test").keys()],
    ["__Host-sluice"],
    "the login's cookie is gone",
  );
  assert.equal(provider.asked.filter((each) => each === "POST /token").length, 1);
  const lines = await proxy.accessLines(4);
  assert.equal(lines.at(-1)!["user"], "alice");
  assert.ok(
    !/code=(?!\*|REDACTED)[A-Za-z0-9_-]{10}/.test(JSON.stringify(lines)),
    "no code in the log",
  );
});

scenario("oidc: cookies are for this host, over TLS, and for no script", async (it) => {
  const { browser } = await stage(it);
  const first = await browser.ask(`${SITE}/`);

  const [cookie = ""] = first.headers["set-cookie"] ?? [];

  assert.equal(first.status, 303);
  assert.match(
    cookie,
    /^__Host-sluice\.login\.[\w-]{8}=[\w-]+; Path=\/; Max-Age=600; Secure; HttpOnly; SameSite=Lax$/,
  );
  assert.equal(first.headers["cache-control"], "no-store");
  const url = new URL(first.headers.location!);
  assert.equal(url.searchParams.get("code_challenge_method"), "S256");
  assert.equal(url.searchParams.get("redirect_uri"), `${SITE}/.auth/callback`);
  for (const name of ["state", "nonce", "code_challenge"])
    assert.ok(url.searchParams.get(name)!.length >= 22);
});

scenario("oidc: a program gets 401 and no redirect", async (it) => {
  const { browser, origin } = await stage(it);
  const rows: Record<string, string>[] = [
    PROGRAM,
    { accept: "*/*" },
    { accept: "text/html", "x-requested-with": "XMLHttpRequest" },
    { accept: "text/html", "sec-fetch-mode": "cors" },
    { accept: "text/html", "sec-fetch-mode": "navigate", "sec-purpose": "prefetch" },
  ];

  for (const headers of rows) {
    const { status, headers: got } = await browser.ask(`${SITE}/api`, { headers });
    assert.equal(status, 401, JSON.stringify(headers));
    assert.equal(got["set-cookie"], undefined);
  }
  const posted = await browser.ask(`${SITE}/`, { method: "POST", form: { a: "1" } });
  assert.equal(posted.status, 401);
  assert.equal(origin.received.length, 0);
});

scenario(
  "oidc: two tabs log in beside each other, and each comes back to its own page",
  async (it) => {
    const { browser } = await stage(it);
    const callback = `${SITE}/.auth/callback`;
    const atOne = await logIn(browser, `${SITE}/one`, callback);
    const atTwo = await browser.go(`${SITE}/two`, {}, callback); // the provider knows them by now
    const logins = [...browser.jar("shop.test").keys()];

    const two = await browser.go(new URL(atTwo.headers.location!, atTwo.url).href);
    const one = await browser.go(new URL(atOne.headers.location!, atOne.url).href);

    assert.equal(logins.length, 2);
    assert.equal(two.url, `${SITE}/two`);
    assert.equal(one.url, `${SITE}/one`);
    assert.deepEqual([...browser.jar("shop.test").keys()], ["__Host-sluice"]);
  },
);

scenario("oidc: logins that nobody finishes do not fill the browser", async (it) => {
  const { browser } = await stage(it);

  for (let count = 0; count < 20; count++) await browser.ask(`${SITE}/${count}`);

  assert.ok(browser.jar("shop.test").size <= 5);
});

scenario("oidc: a login is ended by the browser that began it, once (CSRF, A6)", async (it) => {
  const { browser, provider, proxy } = await stage(it);
  const callback = `${SITE}/.auth/callback`;
  const back = await logIn(browser, `${SITE}/`, callback);
  const url = new URL(back.headers.location!, back.url).href;
  const victim = new Browser({ "shop.test": proxy.port });

  const forced = await victim.ask(url);
  const other = new URL(url);
  other.searchParams.set("state", "AAAAAAAAAAAAAAAAAAAAAA");
  const wrong = await browser.ask(other.href);
  const mixed = await browser.ask(url.replace(/([?&])iss=[^&]*/, "$1iss=https%3A%2F%2Fevil.test"));

  assert.deepEqual([forced.status, wrong.status, mixed.status], [401, 401, 401]);
  assert.equal(victim.jar("shop.test").size, 0);
  assert.ok(!provider.asked.includes("POST /token"), "the code has not been used up");
  assert.equal((await browser.ask(url)).status, 401, "a login that failed is over");
});

scenario("oidc: a code is good once, and so is a login", async (it) => {
  const { browser } = await stage(it);
  const back = await logIn(browser, `${SITE}/`, `${SITE}/.auth/callback`);
  const url = new URL(back.headers.location!, back.url).href;
  const kept = new Map(browser.jar("shop.test"));

  const first = await browser.ask(url);
  const second = await browser.ask(url);
  browser.cookies.set("shop.test", kept); // a thief of URL and cookie
  const third = await browser.ask(url);

  assert.equal(first.status, 303);
  assert.equal(second.status, 401);
  assert.equal(third.status, 401, "the provider knows the code");
});

scenario(
  "oidc: no session is taken over from before the login, and none of somebody else's making (fixation)",
  async (it) => {
    const { browser } = await stage(it);
    await logIn(browser);
    const session = browser.jar("shop.test").get("__Host-sluice")!;
    await browser.ask(`${SITE}/.auth/logout`);
    await logIn(browser);

    assert.notEqual(browser.jar("shop.test").get("__Host-sluice"), session);
    for (const forged of [
      "x",
      "AAAA",
      session.slice(0, -4),
      `${session.slice(0, -4)}AAAA`,
      "A".repeat(4_000),
    ]) {
      browser.cookies.set("shop.test", new Map([["__Host-sluice", forged]]));
      assert.equal(
        (await browser.ask(`${SITE}/`, { headers: PROGRAM })).status,
        401,
        forged.slice(0, 10),
      );
    }
  },
);

scenario("oidc: what is sealed for a login is no session, nor the other way round", async (it) => {
  const { browser } = await stage(it);
  await browser.ask(`${SITE}/`);
  const [[name, sealed] = ["", ""]] = [...browser.jar("shop.test")];

  browser.cookies.set("shop.test", new Map([["__Host-sluice", sealed]]));

  assert.match(name, /login/);
  assert.equal((await browser.ask(`${SITE}/`, { headers: PROGRAM })).status, 401);
});

scenario("oidc: the way back leads to this site alone (A6)", async (it) => {
  const { browser } = await stage(it);
  for (const path of ["//evil.test/x", "/\\evil.test", "/%5cevil.test", "/.//evil.test"]) {
    const page = await browser.go(`${SITE}${path}`);
    if (!page.body.includes("<form")) continue; // refused as a target
    const consent = await browser.submit(
      page,
      { login: "alice", password: "x" },
      `${SITE}/.auth/callback`,
    );
    const last = consent.body.includes("<form")
      ? await browser.submit(consent, {}, `${SITE}/.auth/callback`)
      : consent;
    const { location } = (await browser.ask(last.headers.location!)).headers;
    assert.equal(new URL(location!, SITE).origin, SITE, `${path} to ${location}`);
    browser.cookies.clear();
  }
});

scenario("oidc: a session ends here and at the provider, by the person's own wish", async (it) => {
  const { browser, provider } = await stage(it);
  await logIn(browser);

  const foreign = await browser.ask(`${SITE}/.auth/logout`, {
    headers: { "sec-fetch-site": "cross-site" },
  });
  assert.equal(foreign.status, 403);
  const posted = await browser.ask(`${SITE}/.auth/logout`, {
    method: "POST",
    form: {},
    headers: { origin: "https://evil.test" },
  });
  assert.equal(posted.status, 403);
  assert.equal((await browser.ask(`${SITE}/`, { headers: PROGRAM })).status, 200);

  const out = await browser.go(`${SITE}/.auth/logout`);
  assert.ok(out.url.startsWith(`${provider.issuer}/session/end`), out.url);
  const bye = await browser.submit(out, { logout: "yes" }, `${SITE}/bye`);
  assert.equal(bye.headers.location, `${SITE}/bye`);
  assert.equal((await browser.ask(`${SITE}/`, { headers: PROGRAM })).status, 401);
});

scenario("oidc: rules for claims, and claims of the userinfo endpoint", async (it) => {
  const rules = ", userInfo: true, name: email, require: { claims: { role: [admin] } }";
  const { browser, origin } = await stage(it, rules, {
    claims: { role: "admin" },
    inUserInfoOnly: true,
  });

  const page = await logIn(browser);

  assert.equal(page.status, 200);
  assert.match(
    origin.received[0]!.head,
    /\r\nX-User: alice@example\.com\r\nX-Mail: alice@example\.com\r\n/,
  );
});

scenario("oidc: who lacks a claim is logged in, and gets 403", async (it) => {
  const { browser, proxy } = await stage(it, ", require: { claims: { role: [owner] } }", {
    claims: { role: "admin" },
  });

  assert.equal((await logIn(browser)).status, 403);
  assert.equal((await proxy.accessLines(3)).at(-1)!["fault"], "auth_forbidden");
});

scenario("oidc: a session longer than a cookie is kept in several", async (it) => {
  const { browser, origin } = await stage(it, "", {
    claims: { groups: Array.from({ length: 200 }, (_, n) => `a group with number ${n}`) },
  });

  const page = await logIn(browser);

  assert.equal(page.status, 200);
  const names = [...browser.jar("shop.test").keys()];
  assert.deepEqual(names.slice(0, 2), ["__Host-sluice.0", "__Host-sluice.1"]);
  assert.ok(!/cookie/i.test(origin.received[0]!.head));
  browser.jar("shop.test").delete("__Host-sluice.1");
  assert.equal(
    (await browser.ask(`${SITE}/`, { headers: PROGRAM })).status,
    401,
    "not all of it is nothing",
  );
});

scenario(
  "oidc: tokens are got anew, once for all requests that come at the same time",
  async (it) => {
    const { browser, provider, proxy } = await stage(
      it,
      ", scopes: [openid, offline_access], passAccessToken: true",
      { accessTokenS: 2 },
    );
    await logIn(browser);
    const old = new Map(browser.jar("shop.test"));
    await new Promise((resolve) => setTimeout(resolve, 2_100));

    const tabs = Array.from({ length: 10 }, () => {
      const tab = new Browser({ "shop.test": proxy.port });
      tab.cookies.set("shop.test", new Map(old));
      return tab;
    });
    const pages = await Promise.all(tabs.map((tab) => tab.ask(`${SITE}/`, { headers: PROGRAM })));

    assert.deepEqual(new Set(pages.map(({ status }) => status)), new Set([200]));
    assert.equal(provider.asked.filter((each) => each === "POST /token").length, 2);
    const late = tabs[0]!;
    late.cookies.set("shop.test", new Map(old)); // it has not heard of the new cookie yet
    assert.equal((await late.ask(`${SITE}/`, { headers: PROGRAM })).status, 200);
    assert.notEqual(late.jar("shop.test").get("__Host-sluice"), old.get("__Host-sluice"));
    assert.equal(provider.asked.filter((each) => each === "POST /token").length, 2);
  },
);

scenario(
  "oidc: who may not come any more is out when the tokens are to be got anew",
  async (it) => {
    const { browser, provider } = await stage(it, ", scopes: [openid, offline_access]", {
      accessTokenS: 2,
    });
    await logIn(browser);
    provider.revoke();
    assert.equal((await browser.ask(`${SITE}/`, { headers: PROGRAM })).status, 200);
    await new Promise((resolve) => setTimeout(resolve, 2_100));

    assert.equal((await browser.ask(`${SITE}/`, { headers: PROGRAM })).status, 401);
    assert.equal(browser.jar("shop.test").size, 0);
  },
);

scenario("oidc: a provider that is down: who is in stays in, who is not gets 503", async (it) => {
  const { browser, provider, proxy } = await stage(it, ", scopes: [openid, offline_access]", {
    accessTokenS: 2,
  });
  await logIn(browser);
  provider.isDown = true;
  await new Promise((resolve) => setTimeout(resolve, 2_100));

  assert.equal((await browser.ask(`${SITE}/`, { headers: PROGRAM })).status, 200);
  await proxy.stop();
  const anew = await it.proxy(
    (await stage(it)).config("").replace(/issuer: "[^"]*"/, `issuer: "${provider.issuer}"`),
  );
  const stranger = new Browser({ "shop.test": anew.port });
  assert.equal((await stranger.ask(`${SITE}/`)).status, 503);
});

scenario("oidc: a new secret seals, the one before it still opens", async (it) => {
  const { browser, proxy, config } = await stage(it);
  await logIn(browser);
  await proxy.stop();
  const next = "another secret, that is just as long as the first";
  const rotated = await it.proxy(
    config("").replace(`secret: "${SECRET}"`, `secret: ["${next}", "${SECRET}"]`),
  );
  const after = new Browser({ "shop.test": rotated.port });
  after.cookies.set("shop.test", browser.jar("shop.test"));

  assert.equal((await after.ask(`${SITE}/`, { headers: PROGRAM })).status, 200);
  await rotated.stop();
  const last = await it.proxy(config("").replace(SECRET, next));
  const out = new Browser({ "shop.test": last.port });
  out.cookies.set("shop.test", browser.jar("shop.test"));
  assert.equal((await out.ask(`${SITE}/`, { headers: PROGRAM })).status, 401);
});

scenario("oidc: made-up codes are not shown to the provider for ever", async (it) => {
  const guard = "guard: { perAddress: 3, within: 1m }";
  const { browser, provider } = await stage(it, "", {}, guard);
  const begun = await browser.ask(`${SITE}/`);
  const state = new URL(begun.headers.location!).searchParams.get("state");
  const kept = new Map(browser.jar("shop.test"));

  const statuses: number[] = [];
  for (let count = 0; count < 10; count++) {
    browser.cookies.set("shop.test", new Map(kept));
    const url = `${SITE}/.auth/callback?state=${state}&code=made-up-${count}`;
    const iss = encodeURIComponent(provider.issuer);
    statuses.push((await browser.ask(`${url}&iss=${iss}`)).status);
  }

  assert.ok(statuses.includes(401) && statuses.at(-1) === 429, statuses.join());
  assert.ok(provider.asked.filter((each) => each === "POST /token").length <= 4);
});
