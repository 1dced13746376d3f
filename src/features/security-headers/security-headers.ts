import type { Feature } from "../../core/feature.ts";
import type { Filter } from "../../core/filter.ts";
import { FieldEdits } from "../../protocol/http/field-edits.ts";
import { NameSet } from "../../protocol/http/name-set.ts";
import { type SecurityOptions, securitySchema } from "./security-options.ts";

/** Headers that tell browsers what not to do with a response. One of each, never two (H6). */
export const securityHeaders: Feature<SecurityOptions, Filter> = {
  name: "securityHeaders",
  kind: "filter",
  about: "Sets the headers that tell browsers to be careful, by preset or one by one.",
  schema: securitySchema,

  build({ fields, hide, replaces }) {
    const names = fields.map(([name]) => name);
    const edits = new FieldEdits({
      remove: new NameSet(replaces ? [...hide, ...names] : hide),
      addIfMissing: fields,
    });
    return {
      name: "securityHeaders",
      respond({ response }) {
        if (response !== undefined) response.headers = edits.apply(response.headers);
        return undefined;
      },
      explain: () => [
        ...fields.map(([name, value]) => `${name}: ${value}`),
        ...(hide.length === 0 ? [] : [`hides ${hide.join(", ")}`]),
      ],
    };
  },
};
