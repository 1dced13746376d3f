import type { Feature } from "../../core/feature.ts";
import { wanted, z } from "../../core/fields.ts";
import type { Handler } from "../../core/filter.ts";
import { Template } from "../../core/template.ts";
import { templateField } from "../../core/template-field.ts";

interface RedirectOptions {
  readonly to: string;
  readonly status: number;
}

const STATUSES = [301, 302, 303, 307, 308] as const;
const STATUS_DEFAULT = 308; // keeps the method and the body, unlike what browsers do with 301 and 302
const FORM = 'a URL such as "/new/{path.*}", or a map with to and status';

const to = templateField("location").describe("Where to: a path or a URL, with placeholders.");
const status = z
  .union(
    STATUSES.map((each) => z.literal(each)),
    { error: wanted(`one of ${STATUSES.join(", ")}`) },
  )
  .default(STATUS_DEFAULT)
  .describe(`One of ${STATUSES.join(", ")}. Default: ${STATUS_DEFAULT}.`);

const schema = z.union(
  [to.transform((text) => ({ to: text, status: STATUS_DEFAULT })), z.strictObject({ to, status })],
  {
    error: ({ input }) =>
      typeof input === "string" ||
      (typeof input === "object" && input !== null && !Array.isArray(input))
        ? undefined
        : wanted(FORM)({ input }),
  },
);

/** Sends the client elsewhere. What the client chose never decides on which host (P3, open redirects). */
export const redirect: Feature<RedirectOptions, Handler> = {
  name: "redirect",
  kind: "handler",
  about: "Answers with a redirect to another URL.",
  schema,

  build(options) {
    const template = new Template(options.to, "location");
    const isHere =
      !/^([a-z][a-z0-9+.-]*:)?\/\//i.test(options.to) && !options.to.startsWith("{scheme}");
    return {
      kind: "redirect",
      handle(exchange) {
        const location = template.expand(exchange);
        const headers = { location: isHere ? onThisHost(location) : location };
        return { status: options.status, headers };
      },
    };
  },
};

/** "//evil.test" is another host to a browser, and so may become of "/{path.*}" where "//" is kept. */
function onThisHost(location: string): string {
  return location.startsWith("//") ? location.replace(/^\/+/, "/") : location;
}
