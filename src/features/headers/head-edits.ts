import type { Exchange } from "../../core/exchange.ts";
import { Substitution } from "../../core/substitution.ts";
import { Template } from "../../core/template.ts";
import { type Field, FieldEdits } from "../../protocol/http/field-edits.ts";
import { headerIdOfText, OTHER } from "../../protocol/http/header-id.ts";
import type { HeaderList } from "../../protocol/http/header-list.ts";
import { NameSet } from "../../protocol/http/name-set.ts";
import { type Side, SPARED } from "./field-names.ts";
import type { EditOptions } from "./headers-options.ts";

interface Valued {
  readonly id: number;
  readonly name: string;
  readonly value: Template;
  readonly ifMissing: boolean;
}

interface Replaced {
  readonly name: string;
  readonly substitution: Substitution;
}

/**
 * The edits of one head. What is the same for every message is done first and at once; values of the
 * exchange follow. They see the request as it was before the edits: a name can be moved to another.
 */
export class HeadEdits {
  readonly #fixed: FieldEdits;
  readonly #replaced: readonly Replaced[];
  readonly #valued: readonly Valued[];

  constructor(options: EditOptions, side: Side) {
    const { remove, replace, setIfMissing } = options;
    const set = Object.entries(options.set).filter(([name]) => !isHost(name, side));
    const missing = Object.entries(setIfMissing);
    const add = Object.entries(options.add).flatMap(([name, values]) =>
      values.map((value) => [name, value] as const),
    );
    const later = laterNames([...set, ...missing, ...add], replace, side);
    const isFixed = ([name]: readonly [string, string]) => !later.has(name.toLowerCase());
    const valued = (fields: readonly (readonly [string, string])[], ifMissing: boolean) =>
      fields
        .filter((field) => !isFixed(field))
        .map(([name, text]) => {
          const id = headerIdOfText(name);
          return { id, name, value: new Template(text, "header"), ifMissing };
        });
    const spared = SPARED[side];
    this.#fixed = new FieldEdits({
      remove: new NameSet([...remove, ...set.map(([name]) => name)], {
        spared,
        aliasesOf: side === "request" ? [...missing, ...add].map(([name]) => name) : undefined,
      }),
      addIfMissing: missing.filter(isFixed).map(expanded),
      add: [...set, ...add].filter(isFixed).map(expanded),
    });
    this.#replaced = replace.map((each) => ({
      name: each.name,
      substitution: new Substitution(each, "header", "bytes"),
    }));
    this.#valued = [...valued(set, false), ...valued(missing, true), ...valued(add, false)];
  }

  /** The list with the edits; the one that is given may stay as it is. */
  apply(headers: HeaderList, exchange: Exchange): HeaderList {
    const valued = this.#valued;
    const replaced = this.#replaced;
    if (valued.length === 0 && replaced.length === 0) return this.#fixed.apply(headers);
    // Before anything is gone, which they may speak of.
    const values = valued.map(({ value }) => value.expand(exchange));
    const edited = this.#fixed.apply(headers);
    const list = edited === headers ? headers.copy() : edited;
    for (const { name, substitution } of replaced) replaceIn(list, name, substitution, exchange);
    for (let index = 0; index < valued.length; index++) {
      const { id, name, ifMissing } = valued[index]!;
      const value = values[index]!;
      if (value !== "" && !(ifMissing && list.has(name))) list.addOwn(name, value, id);
    }
    return list;
  }
}

/**
 * Names whose values differ from message to message, are replaced in, or may be ours to say and not
 * the client's: what we add of these must be told apart from what came (forwarding-fields.ts).
 */
function laterNames(
  fields: readonly (readonly [string, string])[],
  replaced: readonly { readonly name: string }[],
  side: Side,
): ReadonlySet<string> {
  const varying = fields.filter(([name, value]) => {
    const mayBeClaim = side === "request" && headerIdOfText(name) !== OTHER;
    return mayBeClaim || !new Template(value, "header").isConstant;
  });
  const names = [...varying.map(([name]) => name), ...replaced.map(({ name }) => name)];
  return new Set(names.map((name) => name.toLowerCase()));
}

function expanded([name, value]: readonly [string, string]): Field {
  return [name, new Template(value, "header").expand(undefined)];
}

function replaceIn(
  list: HeaderList,
  name: string,
  substitution: Substitution,
  exchange: Exchange,
): void {
  const values = list.all(name);
  const after = values.map((value) => substitution.apply(value, exchange));
  if (after.every((value, index) => value === values[index])) return;
  list.delete(name);
  for (const value of after) if (value !== "") list.addOwn(name, value);
}

export function isHost(name: string, side: Side): boolean {
  return side === "request" && name.toLowerCase() === "host";
}
