/** `health.active` of an upstream. */
import { patternProblem } from "../../base/pattern/pattern.ts";
import {
  durationAboveZero,
  durationText,
  oneOf,
  percent,
  shown,
  wanted,
  wholeNumber,
  z,
} from "../../core/fields.ts";
import { CHECK } from "../../upstream/health/check-options.ts";

/** Fields that decide about the connection or the message, and are ours to write. */
const OWN_FIELDS =
  /^(?:host|connection|content-length|transfer-encoding|upgrade|expect|te|trailer|keep-alive)$/i;
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/;
const FIELD_VALUE = /^[\x21-\x7e](?:[\t\x20-\x7e]{0,4094}[\x21-\x7e])?$/;
const STATUS = /^(?:([1-5])xx|([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?)$/;
const STATUS_FORM = 'a status such as 200, "200-399" or "2xx"';
const TEXT_MAX = 4096;

const status = z
  .union([z.string(), z.number()], { error: wanted(STATUS_FORM) })
  .refine((value) => rangeOf(value) !== undefined, { error: wanted(STATUS_FORM) })
  .transform((value) => rangeOf(value)!);

function rangeOf(value: string | number): readonly [from: number, to: number] | undefined {
  const [, digit, from, to] = STATUS.exec(String(value)) ?? [];
  if (digit !== undefined) return [Number(digit) * 100, Number(digit) * 100 + 99];
  if (from === undefined || Number(to ?? from) < Number(from)) return undefined;
  return [Number(from), Number(to ?? from)];
}

/** A text that is looked for, or "~" and a regular expression. */
function lookedFor(form: string) {
  return z
    .string({ error: wanted(form) })
    .min(1, { error: wanted(form) })
    .max(TEXT_MAX, { error: () => `must be at most ${TEXT_MAX} characters` })
    .superRefine((text, context) => {
      const problem = text.startsWith("~") ? patternProblem(text.slice(1)) : undefined;
      if (problem !== undefined) {
        context.addIssue({ code: "custom", message: `${problem}, got ${shown(text)}` });
      }
    });
}

const BODY_FORM = 'a part of the text, or "~" and a regular expression';

const fieldName = z.string().regex(FIELD_NAME, { error: wanted("the name of a header field") });

const expect = z.strictObject(
  {
    status: z
      .union([status.transform((one) => [one]), z.array(status, { error: wanted(STATUS_FORM) })], {
        error: wanted(`${STATUS_FORM}, or a list of them`),
      })
      .optional()
      .describe('One or a list of: a status, a range, "2xx". Default: "200-399".'),
    header: z
      .record(fieldName, lookedFor('a value, "*" for any, or "~" and a regular expression'), {
        error: wanted("a map of header names and values"),
      })
      .optional()
      .describe('Name to value: exact, "*" for present, or "~" and a regular expression.'),
    body: lookedFor(BODY_FORM)
      .optional()
      .describe("A part of it, or ~ and a regular expression. The first 64KiB are looked at."),
  },
  { error: wanted("a map with status, header and body") },
);

const tcp = z.union(
  [
    z.literal(true),
    z.strictObject({
      send: z
        .string({ error: wanted("a text of Latin-1 characters") })
        .refine(isLatin1, { error: wanted("a text of Latin-1 characters") })
        .optional()
        .describe("Sent once the connection is there."),
      expect: lookedFor(BODY_FORM).optional().describe("What the answer must hold."),
    }),
  ],
  { error: wanted("true, or a map with send and expect") },
);

const SERVICE_FORM = 'the name of a service such as "helloworld.Greeter"';

const grpc = z.union(
  [
    z.literal(true),
    z.strictObject({
      service: z
        .string({ error: wanted(SERVICE_FORM) })
        .regex(/^[A-Za-z_][A-Za-z0-9_.]{0,126}$/, { error: wanted(SERVICE_FORM) })
        .optional()
        .describe("Whose health. Default: that of the server as a whole."),
    }),
  ],
  { error: wanted("true, or a map with service") },
);

function isLatin1(text: string): boolean {
  return (
    text.length > 0 &&
    text.length <= TEXT_MAX &&
    Buffer.from(text, "latin1").toString("latin1") === text
  );
}

const http = {
  path: z
    .string({ error: wanted('a path such as "/healthz"') })
    .regex(/^\/[\x21-\x22\x24-\x7e]{0,4095}$/, { error: wanted('a path such as "/healthz"') })
    .optional()
    .describe("What is asked for. Default: /."),
  method: z
    .string({ error: wanted("a method such as GET") })
    .regex(/^[A-Z]{1,20}$/, { error: wanted("a method such as GET") })
    .refine((method) => method !== "CONNECT", { error: wanted("a method such as GET") })
    .optional()
    .describe("Default: GET."),
  host: z
    .string({ error: wanted("a host name, with or without a port") })
    .regex(/^[A-Za-z0-9._:[\]-]{1,255}$/, { error: wanted("a host name, with or without a port") })
    .optional()
    .describe("For the Host field. Default: the endpoint's own address."),
  headers: z
    .record(
      fieldName.refine((name) => !OWN_FIELDS.test(name), {
        error: ({ input }) => `${shown(input)} is not for a check to set`,
      }),
      z
        .string({ error: wanted("a text") })
        .regex(FIELD_VALUE, { error: wanted("a text without line breaks") }),
      { error: wanted("a map of header names and values") },
    )
    .optional()
    .describe("More header fields."),
  expect: expect.optional().describe("What the answer must be like."),
};

const HTTP_KEYS = Object.keys(http) as (keyof typeof http)[];
const CALL_KEYS: readonly (keyof typeof http)[] = ["host", "headers"]; // that a call has, too

export const activeCheck = z.union(
  [
    z.literal("off"),
    z
      .strictObject({
        ...http,
        tcp: tcp
          .optional()
          .describe("Only connects, or sends and expects something; in place of a request."),
        grpc: grpc
          .optional()
          .describe("A call of grpc.health.v1 over HTTP/2, in place of a request."),
        port: wholeNumber(1, 65_535)
          .optional()
          .describe("Another port than requests go to. Default: the endpoint's."),
        every: durationAboveZero
          .optional()
          .describe(`From one check to the next. Default: ${durationText(CHECK.everyMs)}.`),
        everyDown: durationAboveZero
          .optional()
          .describe("The same while the endpoint is down. Default: as every."),
        jitter: percent(0, 50)
          .optional()
          .describe(`How far an interval may be off, by chance. Default: ${CHECK.jitterPercent}%.`),
        timeout: durationAboveZero
          .optional()
          .describe(`For the whole check. Default: ${durationText(CHECK.timeoutMs)}.`),
        up: wholeNumber(1, 100)
          .optional()
          .describe(`Good checks in a row that bring an endpoint back. Default: ${CHECK.up}.`),
        down: wholeNumber(1, 100)
          .optional()
          .describe(`Bad checks in a row that take one out. Default: ${CHECK.down}.`),
        initial: oneOf(["unknown", "up", "down"])
          .optional()
          .describe(
            "Until the first result: unknown and up get requests, down gets none. Default: unknown.",
          ),
      })
      .superRefine((active, context) => {
        const { tcp, grpc } = active;
        const beside = (other: string) => `must not stand beside ${other}`;
        const tell = (key: string, message: string) =>
          context.addIssue({ code: "custom", path: [key], message });
        if (tcp !== undefined && grpc !== undefined) tell("grpc", beside("tcp"));
        for (const key of HTTP_KEYS) {
          if (active[key] === undefined) continue;
          if (tcp !== undefined) tell(key, beside("tcp"));
          else if (grpc !== undefined && !CALL_KEYS.includes(key)) tell(key, beside("grpc"));
        }
      }),
  ],
  {
    error: wanted(
      '"off", or a map with path, every, timeout, up, down and expect, or with tcp or grpc',
    ),
  },
);
