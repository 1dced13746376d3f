import type { Exchange } from "../../core/exchange.ts";
import type { Reply } from "../../core/filter.ts";
import type { ErrorReplies } from "../../core/runtime.ts";
import { Template } from "../../core/template.ts";
import { preferredType } from "../../protocol/http/accept.ts";
import { reasonOf } from "../../protocol/http/status.ts";
import {
  CONTENT_TYPES,
  DEFAULT_PAGES,
  PAGE_KINDS,
  PAGE_NAMES,
  type PageKind,
} from "./default-pages.ts";
import type { ErrorOptions, PageOptions } from "./error-options.ts";

type Pages = Readonly<Partial<Record<PageKind, Template>>>;

/** The replies for faults: the configured page if there is one, else ours, in what the client reads. */
export function errorReplies(options: ErrorOptions | undefined): ErrorReplies {
  const { reasonHeader, pages = {} } = options ?? {};
  const own = new Map(Object.entries(pages).map(([key, page]) => [key, templatesOf(page)]));
  return {
    reply(exchange, status, code) {
      const custom = own.get(`${status}`) ?? own.get(`${Math.floor(status / 100)}xx`) ?? NO_PAGES;
      const headers: Record<string, string> = { "cache-control": "no-store" };
      if (reasonHeader !== undefined) headers[reasonHeader] = code;
      return withPage({ exchange, status, code, custom, headers });
    },
  };
}

const NO_PAGES: Pages = {};

function templatesOf(page: PageOptions): Pages {
  const entries = Object.entries(page) as [PageKind, string][]; // the schema knows no other keys
  return Object.fromEntries(
    entries.map(([kind, text]) => [kind, new Template(text, kind, PAGE_NAMES)]),
  );
}

interface PageParts {
  readonly exchange: Exchange | undefined;
  readonly status: number;
  readonly code: string;
  readonly custom: Pages;
  readonly headers: Record<string, string>;
}

function withPage({ exchange, status, code, custom, headers }: PageParts): Reply {
  const kind = knownKind(exchange?.request.headers.get("accept") ?? "", custom);
  const title = reasonOf(status) || "Error";
  const template = custom[kind] ?? DEFAULT_PAGES[kind];
  const body = template.expand(exchange, { status: `${status}`, title, code });
  headers["content-type"] = CONTENT_TYPES[kind];
  return { status, headers, body: Buffer.from(body, "utf8") };
}

const OFFERS: Readonly<Record<PageKind, readonly string[]>> = {
  text: ["text/plain"],
  json: ["application/problem+json", "application/json"],
  html: ["text/html"],
};

const ACCEPTS_MAX = 256; // clients of one kind send the same; a flood of others must not be kept
const ACCEPT_CHARS_MAX = 512;

const kindsByAccept = new WeakMap<Pages, Map<string, PageKind>>();

/** As kindFor, which costs more than all else of a refusal: what came before is known again. */
function knownKind(accept: string, custom: Pages): PageKind {
  const known = kindsByAccept.get(custom) ?? new Map<string, PageKind>();
  const before = known.get(accept);
  if (before !== undefined) return before;
  const kind = kindFor(accept === "" ? undefined : accept, custom);
  if (accept.length > ACCEPT_CHARS_MAX) return kind;
  if (known.size >= ACCEPTS_MAX) known.clear();
  known.set(accept, kind);
  kindsByAccept.set(custom, known);
  return kind;
}

/** Where the client likes several alike, or does not say, pages of the user's own go first. */
function kindFor(accept: string | undefined, custom: Pages): PageKind {
  const isOwn = (kind: PageKind) => custom[kind] !== undefined;
  const kinds = [...PAGE_KINDS.filter(isOwn), ...PAGE_KINDS.filter((kind) => !isOwn(kind))];
  const best = preferredType(
    accept,
    kinds.flatMap((kind) => OFFERS[kind]),
  );
  // A client that takes none of ours gets one all the same: the status alone says too little.
  return kinds.find((kind) => best !== undefined && OFFERS[kind].includes(best)) ?? kinds[0]!;
}
