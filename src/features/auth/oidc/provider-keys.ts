import type { World } from "../../../base/world.ts";
import type { Step } from "../../../core/filter.ts";
import type { VerifyingKey } from "../../../protocol/jwt/jwk.ts";
import { COOLDOWN_MS, REFRESH_MS, STALE_MS } from "../jwt/jwt-options.ts";
import type { KeySource } from "../jwt/key-source.ts";
import { RemoteKeys } from "../jwt/remote-keys.ts";
import type { AskOptions } from "./ask-json.ts";
import type { Provider } from "./provider.ts";

type Keys = readonly VerifyingKey[];

/** The keys of a provider, wherever it says that they are. */
export class ProviderKeys implements KeySource {
  readonly about: string;
  readonly #provider: Provider;
  readonly #world: Pick<World, "clock" | "log" | "web">;
  readonly #options: AskOptions;
  #remote: RemoteKeys | undefined;
  #url: string;
  readonly generation = 0; // nobody remembers what a token of a login has been

  constructor(
    provider: Provider,
    options: AskOptions,
    world: Pick<World, "clock" | "log" | "web">,
  ) {
    this.about = `keys of ${provider.issuer}`;
    this.#provider = provider;
    this.#world = world;
    this.#options = options;
    this.#remote = undefined;
    this.#url = "";
  }

  keys(): Step<Keys | undefined> {
    return this.#here()?.keys();
  }

  newer(): Step<Keys | undefined> {
    return this.#here()?.newer();
  }

  #here(): RemoteKeys | undefined {
    const url = this.#provider.known?.jwksUri;
    if (url === undefined) return undefined;
    if (this.#remote === undefined || url !== this.#url) {
      const times = { refreshMs: REFRESH_MS, staleMs: STALE_MS, cooldownMs: COOLDOWN_MS };
      this.#remote = new RemoteKeys({ ...times, ...this.#options, url }, this.#world);
      this.#url = url;
    }
    return this.#remote;
  }
}
