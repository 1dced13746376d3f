/** A real OpenID provider (oidc-provider) on this machine, with its development pages for people. */

import { once } from "node:events";
import { createServer } from "node:http";
import { freePort } from "./free.ts";

export interface TestProvider {
  readonly issuer: string;
  /** What its clients have asked for, "POST /token" …, in order. */
  readonly asked: string[];
  /** Answers nothing but 503 from now on, or as before. */
  isDown: boolean;
  /** Ends everything that this account has been granted. */
  revoke(): void;
  close(): Promise<void>;
}

export interface ProviderSettings {
  readonly origin: string; // of the site that people log in to
  readonly accessTokenS?: number;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly inUserInfoOnly?: boolean;
}

// It has no types of its own; this is what of it is used.
interface Library {
  readonly default: new (
    issuer: string,
    settings: unknown,
  ) => {
    callback(): (request: unknown, response: unknown) => void;
    on(event: string, listener: (...all: unknown[]) => void): void;
  };
}

export async function startProvider(settings: ProviderSettings): Promise<TestProvider> {
  const { origin, accessTokenS = 3_600, claims = {}, inUserInfoOnly = false } = settings;
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const library = (await import("oidc-provider" as string)) as Library;
  let isRevoked = false;
  const silent = console.warn;
  console.warn = () => {}; // it says that it is not in production, which is so
  const provider = new library.default(issuer, {
    clients: [
      {
        client_id: "shop",
        client_secret: "shop secret: +/%",
        redirect_uris: [`${origin}/.auth/callback`],
        post_logout_redirect_uris: [`${origin}/bye`],
        grant_types: ["authorization_code", "refresh_token"],
        response_types: ["code"],
      },
    ],
    pkce: { required: () => true },
    scopes: ["openid", "offline_access"],
    claims: { openid: ["sub"], profile: ["name", ...Object.keys(claims)], email: ["email"] },
    conformIdTokenClaims: inUserInfoOnly,
    findAccount: (_context: unknown, id: string) =>
      isRevoked
        ? undefined
        : {
            accountId: id,
            claims: () => ({ sub: id, name: id, email: `${id}@example.com`, ...claims }),
          },
    issueRefreshToken: async () => true,
    rotateRefreshToken: true,
    ttl: {
      AccessToken: accessTokenS,
      IdToken: 3_600,
      Session: 3_600,
      Grant: 3_600,
      Interaction: 600,
      RefreshToken: 86_400,
    },
    features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
    cookies: { keys: ["of this test"] },
  });
  const asked: string[] = [];
  const handle = provider.callback();
  const opened: TestProvider = {
    issuer,
    asked,
    isDown: false,
    revoke: () => {
      isRevoked = true;
    },
    async close() {
      server.closeAllConnections();
      if (!server.listening) return;
      server.close();
      await once(server, "close");
    },
  };
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url?.split("?")[0]}`);
    if (opened.isDown) response.writeHead(503).end();
    else handle(request, response);
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  console.warn = silent;
  return opened;
}
