/** HTTP Message Signatures (RFC 9421), as far as one key signs one request: no parameters of components. */

/** What a signature says of itself. */
export interface SignatureInput {
  readonly label: string;
  readonly components: readonly string[]; // "@method" "content-digest", lower case
  readonly params: string; // as written, which is what is signed
  readonly created: number | undefined; // seconds of Unix time
  readonly expires: number | undefined;
  readonly keyId: string;
  readonly algorithm: string | undefined;
}

const FIELD_CHARS_MAX = 4_096;
const COMPONENTS_MAX = 32;

// Sticky: each takes up where the one before has ended. No two parts of them can take the same letter.
const INPUT =
  /[ \t]*([a-z*][a-z0-9_\-.*]{0,63})=(\(([^()]{0,2048})\)((?:;[a-z][a-z0-9_\-.*]*=(?:-?[0-9]{1,15}|"[^"\\]*"))*))[ \t]*(?:,|$)/y;
const SIGNATURE = /[ \t]*([a-z*][a-z0-9_\-.*]{0,63})=:([A-Za-z0-9+/]{1,512}={0,2}):[ \t]*(?:,|$)/y;
const COMPONENTS = /^"[!-~]+"(?: "[!-~]+")*$/;
const PARAM = /;([a-z][a-z0-9_\-.*]*)=(?:(-?[0-9]{1,15})|"([^"\\]*)")/g;

/** Of the field Signature-Input; undefined for what is not of this form, all of it. */
export function parseSignatureInputs(field: string): readonly SignatureInput[] | undefined {
  if (field.length > FIELD_CHARS_MAX) return undefined;
  const inputs: SignatureInput[] = [];
  INPUT.lastIndex = 0;
  for (let at = 0; at < field.length; at = INPUT.lastIndex) {
    INPUT.lastIndex = at;
    const [all, label = "", params = "", list = "", rest = ""] = INPUT.exec(field) ?? [];
    if (all === undefined) return undefined;
    const components = componentsOf(list);
    if (components === undefined) return undefined;
    inputs.push(inputOf(label, components, params, rest));
  }
  return inputs.length === 0 || field.trimEnd().endsWith(",") ? undefined : inputs;
}

/** §2: each at most once; a parameter would make another value of it. */
function componentsOf(list: string): readonly string[] | undefined {
  if (list === "") return [];
  if (!COMPONENTS.test(list)) return undefined;
  const names = list.split(" ").map((name) => name.slice(1, -1));
  const isSound = names.every((name) => /^@?[a-z0-9!#$%&'*+\-.^_`|~]+$/.test(name));
  const isOnce = new Set(names).size === names.length;
  return isSound && isOnce && names.length <= COMPONENTS_MAX ? names : undefined;
}

function inputOf(
  label: string,
  components: readonly string[],
  params: string,
  rest: string,
): SignatureInput {
  const values = new Map<string, string>();
  for (const [, name = "", number, text] of rest.matchAll(PARAM))
    values.set(name, number ?? text ?? "");
  const number = (name: string) => (values.has(name) ? Number(values.get(name)) : undefined);
  return {
    label,
    components,
    params,
    created: number("created"),
    expires: number("expires"),
    keyId: values.get("keyid") ?? "",
    algorithm: values.get("alg"),
  };
}

/** Of the field Signature: the bytes of each label. */
export function parseSignatures(field: string): ReadonlyMap<string, Buffer> | undefined {
  if (field.length > FIELD_CHARS_MAX) return undefined;
  const signatures = new Map<string, Buffer>();
  for (let at = 0; at < field.length; at = SIGNATURE.lastIndex) {
    SIGNATURE.lastIndex = at;
    const [all, label = "", base64 = ""] = SIGNATURE.exec(field) ?? [];
    if (all === undefined || signatures.has(label)) return undefined;
    signatures.set(label, Buffer.from(base64, "base64"));
  }
  return signatures;
}

/** §2.5. `componentOf`: of a component, undefined if the request has none of it: then there is no base. */
export function signatureBase(
  { components, params }: Pick<SignatureInput, "components" | "params">,
  componentOf: (component: string) => string | undefined,
): string | undefined {
  let base = "";
  for (const component of components) {
    const value = componentOf(component);
    if (value === undefined) return undefined;
    base += `"${component}": ${value}\n`;
  }
  return `${base}"@signature-params": ${params}`;
}
