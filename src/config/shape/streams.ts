/** `streams:`, below HTTP. */
import {
  durationAboveZero,
  durationAboveZeroOrOff,
  durationOrOff,
  durationText,
  name,
  oneOf,
  wanted,
  wantedOneOrMany,
  wholeNumber,
  z,
} from "../../core/fields.ts";
import { STREAM_TIMEOUTS, TIMEOUTS, UDP_IDLE_MS, UDP_SESSIONS_MAX } from "../../core/limits.ts";
import { parseServerName } from "../address.ts";
import { countOrOff } from "./levels.ts";
import { listenAddress } from "./process.ts";
import { proxyProtocol } from "./proxy-protocol.ts";

const STREAMS_MAX = 10_000;
const SNI_FORM = 'a server name such as "db.example.com" or "*.example.com"';

const serverName = z
  .string({ error: wanted(SNI_FORM) })
  .refine((text) => parseServerName(text) !== undefined, { error: wanted(SNI_FORM) })
  .transform((text) => parseServerName(text)!);

const sni = z
  .union(
    [
      serverName.transform((one) => [one]),
      z
        .array(serverName, { error: wanted("a list of server names") })
        .min(1, { error: wanted("a list of at least one server name") }),
    ],
    { error: wantedOneOrMany("a server name or a list of server names") },
  )
  .describe("TLS is passed through, by the name that the client asks for. Default: any.");

const listen = z
  .union(
    [
      listenAddress.transform((one) => [one]),
      z
        .array(listenAddress, { error: wanted("a list of addresses to listen on") })
        .min(1, { error: wanted("a list of at least one address") }),
    ],
    { error: wantedOneOrMany("an address to listen on or a list of them") },
  )
  .describe('Where it is served: ":5432", "127.0.0.1:5432", "[::1]:5432", "unix:/path".');

const timeouts = z
  .strictObject(
    {
      connect: durationAboveZero
        .optional()
        .describe(
          `Making a connection to an endpoint. Default: ${durationText(TIMEOUTS.connect)}.`,
        ),
      idle: durationAboveZeroOrOff
        .optional()
        .describe(
          `How long nothing may move. Default: ${durationText(STREAM_TIMEOUTS.idle)}; ` +
            `of UDP ${durationText(UDP_IDLE_MS)}.`,
        ),
      drain: durationOrOff
        .optional()
        .describe(
          "How long connections may go on after SIGTERM. " +
            `Default: ${durationText(STREAM_TIMEOUTS.drain)}, or timeouts.drain of the top level.`,
        ),
    },
    { error: wanted("a map with connect, idle and drain") },
  )
  .describe("Timers of this stream.");

const limits = z
  .strictObject(
    {
      connectionsMax: countOrOff
        .optional()
        .describe("Connections through this stream at once, per listener. Default: off."),
      sessionsMax: wholeNumber(1, 1_000_000)
        .optional()
        .describe(`Sessions over UDP at once. Default: ${UDP_SESSIONS_MAX}.`),
    },
    { error: wanted("a map with connectionsMax or sessionsMax") },
  )
  .describe("Limits of this stream.");

const stream = z.strictObject(
  {
    listen,
    protocol: oneOf(["tcp", "udp"]).optional().describe("Default: tcp."),
    sni: sni.optional(),
    forward: z
      .string({ error: wanted("the name of an upstream") })
      .describe("The upstream that gets the bytes."),
    name: name.optional().describe("Its name in logs and metrics. Default: stream# and a number."),
    responses: wholeNumber(0, 1_000)
      .optional()
      .describe("Datagrams that answer one of a client's; a session ends with the last of them."),
    proxyProtocol: proxyProtocol.optional(),
    timeouts: timeouts.optional(),
    limits: limits.optional(),
  },
  { error: wanted("a map with listen and forward") },
);

export const streams = z
  .array(stream, { error: wanted("a list of streams") })
  .max(STREAMS_MAX, { error: () => `must be a list of at most ${STREAMS_MAX} streams` })
  .describe("TCP and UDP that is passed on as it comes, below HTTP.");
