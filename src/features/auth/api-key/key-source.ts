import type { RequestHead } from "../../../core/exchange.ts";
import { dropCookie, someCookieValue } from "../../../protocol/http/cookie.ts";
import { someQueryValue, withoutParameter } from "../../../protocol/http/query.ts";

/** Where a request has its key. */
export interface KeySource {
  readonly said: string; // "the header X-Api-Key"
  /** All that there are: more than one is not for us to choose from. */
  read(request: RequestHead): readonly string[];
  strip(request: RequestHead): void;
}

/** `scheme`: a word before the key, of any case ("Bearer"); a field without it is another method's. */
export function headerSource(name: string, scheme: string | undefined): KeySource {
  const prefix = scheme === undefined ? "" : `${scheme.toLowerCase()} `;
  const isOurs = (value: string) => value.slice(0, prefix.length).toLowerCase() === prefix;
  return {
    said: `the header ${name}`,
    read: ({ headers }) => {
      const value = headers.get(name);
      if (value === undefined) return NOTHING;
      return headers
        .all(name)
        .filter(isOurs)
        .map((each) => each.slice(prefix.length).trim());
    },
    strip: ({ headers }) => {
      const value = headers.get(name);
      if (value !== undefined && isOurs(value)) headers.delete(name);
    },
  };
}

export function querySource(name: string): KeySource {
  return {
    said: `the parameter ${name}`,
    read: ({ query }) => {
      if (query === "") return NOTHING;
      const values: string[] = [];
      someQueryValue(query, name, (value) => {
        values.push(value);
        return false;
      });
      return values;
    },
    strip: (request) => {
      request.upstreamQuery = withoutParameter(request.upstreamQuery, name);
    },
  };
}

export function cookieSource(name: string): KeySource {
  return {
    said: `the cookie ${name}`,
    read: ({ headers }) => {
      const values: string[] = [];
      someCookieValue(headers, name, (value) => {
        values.push(value);
        return false;
      });
      return values;
    },
    strip: ({ headers }) => dropCookie(headers, name),
  };
}

const NOTHING: readonly string[] = [];
