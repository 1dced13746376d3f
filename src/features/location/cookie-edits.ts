import type { CookieOptions } from "./location-options.ts";
import { PrefixMap, type Sides } from "./prefix-map.ts";

/** Changes what a Set-Cookie of the upstream says beside name and value; those stay letter by letter. */
export class CookieEdits {
  readonly #options: CookieOptions;
  readonly #paths: PrefixMap;
  readonly #isAuto: boolean;

  constructor(options: CookieOptions, isAuto: boolean) {
    this.#options = options;
    this.#paths = new PrefixMap(options.paths, isAuto);
    this.#isAuto = isAuto;
  }

  apply(
    cookie: string,
    sides: Sides,
    client: { readonly host: string; readonly isSecure: boolean },
  ) {
    const [pair = "", ...attributes] = cookie.split(";");
    // Browsers refuse these with a Domain, or another Path than "/".
    const isBound = /^\s*__host-/i.test(pair);
    const { secure, httpOnly, sameSite } = this.#options;
    const kept: string[] = [];
    const said = new Set<string>();
    for (const attribute of attributes) {
      const [name = "", value] = partsOf(attribute);
      said.add(name);
      if (name === "samesite" && sameSite !== undefined) continue;
      const after =
        isBound || value === undefined
          ? attribute
          : name === "domain"
            ? this.#domain(attribute, value, client.host)
            : name === "path"
              ? this.#path(attribute, value, sides)
              : attribute;
      if (after !== undefined) kept.push(after);
    }
    if (secure && client.isSecure && !said.has("secure")) kept.push(" Secure");
    if (httpOnly && !said.has("httponly")) kept.push(" HttpOnly");
    if (sameSite !== undefined) kept.push(` SameSite=${sameSite}`);
    return [pair, ...kept].join(";");
  }

  #domain(attribute: string, value: string, host: string): string | undefined {
    const domain = value.replace(/^\./, "").toLowerCase();
    const other = this.#options.domains.get(domain);
    if (other !== undefined) return other === "" ? undefined : ` Domain=${other}`;
    // Of another host the client would not take it at all; without a Domain it is this host's.
    const isForeign = host !== domain && !host.endsWith(`.${domain}`);
    return this.#isAuto && isForeign ? undefined : attribute;
  }

  #path(attribute: string, value: string, sides: Sides): string {
    // That it goes along to all of the host is what "/" says, and stays true.
    if (!value.startsWith("/") || (value === "/" && !this.#hasRoot())) return attribute;
    const path = this.#paths.path(value, sides);
    if (path === value) return attribute;
    // "/api/" would leave out "/api" itself.
    return ` Path=${value === "/" ? path.replace(/(.)\/$/, "$1") : path}`;
  }

  #hasRoot(): boolean {
    return this.#options.paths.some(({ from }) => from === "/");
  }
}

function partsOf(attribute: string): readonly [name: string, value: string | undefined] {
  const equals = attribute.indexOf("=");
  if (equals < 0) return [attribute.trim().toLowerCase(), undefined];
  return [attribute.slice(0, equals).trim().toLowerCase(), attribute.slice(equals + 1).trim()];
}
