/** Whose connections begin with a PROXY header. */
import { wanted, z } from "../../core/fields.ts";
import { isAddressRange } from "../address.ts";

const RANGE_FORM = 'an address range such as "10.0.0.0/8", or "unix"';
const RANGES_FORM = 'a list of address ranges such as "10.0.0.0/8"';

export const proxyProtocol = z
  .strictObject(
    {
      from: z
        .array(
          z
            .string({ error: wanted(RANGE_FORM) })
            .refine((text) => text === "unix" || isAddressRange(text), {
              error: wanted(RANGE_FORM),
            }),
          { error: wanted(RANGES_FORM) },
        )
        .min(1, { error: wanted(RANGES_FORM) })
        .describe("Address ranges, and unix for unix sockets."),
    },
    { error: wanted("a map with from") },
  )
  .describe("Who must begin a connection with a PROXY header, and is believed.");
