import type { Exchange, RequestHead } from "../../../core/exchange.ts";
import type { HeaderList } from "../../../protocol/http/header-list.ts";
import {
  parseSignatureInputs,
  parseSignatures,
  type SignatureInput,
  signatureBase,
} from "../../../protocol/http/message-signature.ts";

/** A signature of a request: what it says, what it is over, and its bytes. */
export interface RequestClaim {
  readonly input: SignatureInput;
  readonly base: string;
  readonly signature: Buffer;
}

/** What a request shows; undefined: nothing of this kind; text: why it cannot hold. */
export function claimOf(
  { request }: Exchange,
  isKey: (id: string) => boolean,
): RequestClaim | string | undefined {
  const { headers } = request;
  if (headers.get("signature-input") === undefined) return undefined;
  const inputs = parseSignatureInputs(headers.all("signature-input").join(", "));
  const signatures = parseSignatures(headers.all("signature").join(", "));
  if (inputs === undefined || signatures === undefined) return "malformed signature fields";
  // Others on the way may have signed as well.
  const input = inputs.find(({ keyId, label }) => isKey(keyId) && signatures.has(label));
  if (input === undefined) return "no signature with a key that is known";
  if (input.algorithm !== undefined && input.algorithm !== "hmac-sha256")
    return "another algorithm than hmac-sha256";
  const base = signatureBase(input, (component) => componentOf(component, request));
  if (base === undefined) return "a signed component is missing";
  return { input, base, signature: signatures.get(input.label)! };
}

/** Whether the signature is over all that makes the request what it is. */
export function missingOf({ components }: SignatureInput): string | undefined {
  const has = (...names: string[]) => names.every((name) => components.includes(name));
  if (!has("@method")) return "@method";
  if (has("@target-uri") || has("@authority", "@request-target")) return undefined;
  return has("@authority", "@path", "@query")
    ? undefined
    : "@target-uri, or @authority, @path and @query";
}

/** RFC 9421 §2.1 and §2.2, of the canonical request: what is signed is what goes on. */
function componentOf(component: string, request: RequestHead): string | undefined {
  const { method, scheme, path, query, headers } = request;
  switch (component) {
    case "@method":
      return method;
    case "@authority":
      return authorityOf(request);
    case "@scheme":
      return scheme;
    case "@target-uri":
      return `${scheme}://${authorityOf(request)}${targetOf(path, query)}`;
    case "@request-target":
      return targetOf(path, query);
    case "@path":
      return path;
    case "@query":
      return `?${query}`;
    default:
      return component.startsWith("@") ? undefined : fieldOf(headers, component);
  }
}

function authorityOf({ host, port, scheme }: RequestHead): string {
  const isUsual = port === 0 || port === (scheme === "https" ? 443 : 80);
  return isUsual ? host : `${host}:${port}`;
}

function targetOf(path: string, query: string): string {
  return query === "" ? path : `${path}?${query}`;
}

function fieldOf(headers: HeaderList, name: string): string | undefined {
  if (headers.get(name) === undefined) return undefined;
  return headers.all(name).join(", ");
}
