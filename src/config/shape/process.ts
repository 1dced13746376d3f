/** What is about the whole process: workers, trust, admin, log, names in headers. */
import {
  durationAboveZero,
  durationOrOff,
  durationText,
  name,
  notYet,
  oneOf,
  sizeBetween,
  wanted,
  wholeNumber,
  z,
} from "../../core/fields.ts";
import { DNS } from "../../upstream/discovery/dns-settings.ts";
import { isAddressRange, isDnsServer, parseListen } from "../address.ts";
import { bans } from "./bans.ts";
import { geo } from "./geo.ts";
import { shed } from "./shed.ts";
import { state } from "./state.ts";
import { tls } from "./tls.ts";

const LISTEN_FORM =
  'an address to listen on such as ":8080", "127.0.0.1:8080", "[::1]:80" or "unix:/run/s.sock"';

export const listenAddress = z
  .string({ error: wanted(LISTEN_FORM) })
  .refine((text) => parseListen(text) !== undefined, { error: wanted(LISTEN_FORM) })
  .transform((text) => parseListen(text)!);

const WORKERS_MAX = 128; // each has a heap of its own
const WORKERS_FORM = `"auto", or a whole number from 1 to ${WORKERS_MAX}`;

const workers = z
  .union([z.literal("auto"), z.number()], { error: wanted(WORKERS_FORM) })
  .refine(
    (count) => count === "auto" || (Number.isInteger(count) && count >= 1 && count <= WORKERS_MAX),
    {
      error: wanted(WORKERS_FORM),
    },
  )
  .describe(
    "Threads that serve; auto is one for each core. Taken at the start only. Default: auto.",
  );

const WATCHDOG_MS_MIN = 2_000; // the main thread looks every second
const WATCHDOG_FORM = 'a duration of at least 2s such as "5s", or "off"';

const watchdog = durationOrOff
  .refine((ms) => ms >= WATCHDOG_MS_MIN, { error: wanted(WATCHDOG_FORM) })
  .describe(
    "A worker whose event loop has stood still for so long is replaced; there has to be more than " +
      "one. Default: 5s.",
  );

const trust = z
  .strictObject(
    {
      proxies: z
        .array(
          z
            .string({ error: wanted('an address range such as "10.0.0.0/8", or "unix"') })
            .refine((text) => text === "unix" || isAddressRange(text), {
              error: wanted('an address range such as "10.0.0.0/8", or "unix"'),
            }),
          { error: wanted('a list of address ranges such as "10.0.0.0/8"') },
        )
        .optional()
        .describe("Address ranges, and unix for unix sockets. Default: nobody."),
    },
    { error: wanted("a map with proxies") },
  )
  .describe("Whose Forwarded and X-Forwarded-* fields to believe.");

const TOKEN_CHARS_MIN = 16; // short ones are guessed
const TOKEN_FORM = `a token of at least ${TOKEN_CHARS_MIN} visible ASCII characters`;

const adminMap = z.strictObject(
  {
    listen: listenAddress.optional().describe("Where it listens. Default: 127.0.0.1:2080."),
    token: z
      .string({ error: wanted(TOKEN_FORM) })
      .refine((text) => text.length >= TOKEN_CHARS_MIN && /^[\x21-\x7e]+$/.test(text), {
        // The value stays out of the message: it may be most of the real one.
        error: () => `must be ${TOKEN_FORM}`,
      })
      .optional()
      .describe("What a caller sends as `Authorization: Bearer`. Needed beyond this machine."),
  },
  { error: wanted('"off", or a map with listen') },
);

const admin = z
  .union([z.literal("off"), adminMap], { error: wanted('"off", or a map with listen') })
  .describe("Metrics, health, API and dashboard; off for none.");

const LOG_FORM =
  '"stdout", "stderr", "off" or a file path with a slash such as "./access.log" or "/var/log/sluice.log"';

const log = z
  .strictObject(
    {
      access: z
        .string({ error: wanted(LOG_FORM) })
        // A file name without a slash is more likely a slip of "stdout" than a file.
        .refine((text) => ["stdout", "stderr", "off"].includes(text) || isFilePath(text), {
          error: wanted(LOG_FORM),
        })
        .optional()
        .describe(
          "Where a line per exchange goes: stdout, stderr, off or a file. Default: stdout.",
        ),
      format: oneOf(["json"], ["combined", "template"])
        .optional()
        .describe("How a line is written. Default: json."),
      level: oneOf(["debug", "info", "warn", "error"])
        .optional()
        .describe("The least that the program's own log, on stderr, tells. Default: info."),
    },
    { error: wanted("a map with access, format and level") },
  )
  .describe("The access log and the program's own log.");

function isFilePath(text: string): boolean {
  return /^\.{0,2}\//.test(text) && !text.endsWith("/") && !text.includes("\0");
}

const PSEUDONYM_FORM = "a word of at most 64 letters, digits, dots, dashes and underscores";

const via = z
  .union(
    [
      z.literal("off"),
      z.strictObject({
        pseudonym: z
          .string({ error: wanted(PSEUDONYM_FORM) })
          .regex(/^[A-Za-z0-9._-]{1,64}$/, { error: wanted(PSEUDONYM_FORM) })
          .optional()
          .describe("Our name in Via, different for each proxy on the way of a request."),
      }),
    ],
    { error: wanted('"off", or a map with pseudonym') },
  )
  .describe("The Via field, which also finds loops; off for none.");

const SERVER_FORM = 'the address of a DNS server such as "10.0.0.53" or "127.0.0.1:5353"';

const server = z
  .string({ error: wanted(SERVER_FORM) })
  .refine(isDnsServer, { error: wanted(SERVER_FORM) });

const dns = z
  .strictObject(
    {
      servers: z
        .array(server, { error: wanted(`a list of ${SERVER_FORM}`) })
        .max(8, { error: () => "must be a list of at most 8 servers" })
        .optional()
        .describe("Whom to ask, in this order, and nobody else. Default: as the system is set up."),
      timeout: durationAboveZero
        .optional()
        .describe("For one try; the next has twice as long. Default: 2s."),
      attempts: wholeNumber(1, 10).optional().describe("Tries in all. Default: 2."),
      minTtl: durationAboveZero
        .optional()
        .describe("An answer holds at least this long, whatever it says. Default: 5s."),
      maxTtl: durationAboveZero.optional().describe("And at most this long. Default: 5m."),
      forgetAfter: durationOrOff
        .optional()
        .describe(
          [
            "How long the last good answer is used when there is no new one: off for as long as it",
            "takes. Default: off.",
          ].join(" "),
        ),
    },
    { error: wanted("a map with servers, timeout, attempts, minTtl, maxTtl and forgetAfter") },
  )
  .superRefine(({ minTtl = DNS.minTtlMs, maxTtl = DNS.maxTtlMs }, context) => {
    if (minTtl <= maxTtl) return;
    const message = `must be at most maxTtl (${durationText(maxTtl)}), got ${durationText(minTtl)}`;
    context.addIssue({ code: "custom", path: ["minTtl"], message });
  })
  .describe("How names of endpoints are resolved.");

const MIB = 1024 * 1024;

const DISK_PATH_FORM = "the path of a folder such as /var/cache/sluice";
const cacheDisk = z
  .strictObject(
    {
      path: z
        .string({ error: wanted(DISK_PATH_FORM) })
        .min(1, { error: wanted(DISK_PATH_FORM) })
        .describe(
          "A folder for this process alone; it is made if need be. Relative to the config's own.",
        ),
      size: sizeBetween(16 * MIB, 1024 * 1024 * 1024 * MIB).describe(
        "How much of the disk stored responses may take, of all workers together.",
      ),
    },
    { error: wanted("a map with path and size") },
  )
  .describe("What is stored is kept on disk, too, and survives a restart. Default: it is not.");

const cacheStore = z
  .strictObject(
    {
      memory: sizeBetween(MIB, 1024 * 1024 * MIB)
        .optional()
        .describe(
          "How much memory stored responses may take, of all workers together. Default: 256MiB.",
        ),
      disk: cacheDisk.optional(),
    },
    { error: wanted("a map with memory and disk") },
  )
  .describe("Where responses of routes with `cache` are stored.");

export const processKeys = {
  dns: dns.optional(),
  workers: workers.optional(),
  watchdog: watchdog.optional(),
  watch: z
    .boolean()
    .optional()
    .describe(
      "Take the config anew when its file has changed; what the file itself reads (`${file:…}`, " +
        "imports of a module) is not watched. Default: false.",
    ),
  trust: trust.optional(),
  zone: name
    .optional()
    .describe("Where this proxy is, for upstreams with prefer: zone. Often ${ZONE}."),
  state: state.optional(),
  bans: bans.optional(),
  cacheStore: cacheStore.optional(),
  shed: shed.optional(),
  admin: admin.optional(),
  log: log.optional(),
  via: via.optional(),
  forwarded: z
    .boolean()
    .optional()
    .describe("Send Forwarded (RFC 7239) beside X-Forwarded-*. Default: false."),
  tls: tls.optional(),
  geo: geo.optional(),
  tests: notYet("tests"),
};
