import type { Exchange } from "../../core/exchange.ts";
import type { Reply } from "../../core/filter.ts";
import type { ErrorReplies } from "../../core/runtime.ts";
import { StatusSet } from "../../core/status-set.ts";
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
import type { ErrorOptions, PageOptions, PageTexts } from "./error-options.ts";
import { FetchedPages, type PageTools } from "./fetched-pages.ts";

type Pages = Readonly<Partial<Record<PageKind, Template>>>;

/** What is configured for a status. */
interface OwnPages {
  readonly pages: Pages;
  readonly fetched: FetchedPages | undefined;
  readonly fetchedKind: PageKind | undefined;
}

/**
 * The replies for faults: the configured page if there is one, else ours, in what the client reads.
 * Without `tools` nobody is asked for a page.
 */
export function errorReplies(options: ErrorOptions | undefined, tools?: PageTools): ErrorReplies {
  const { reasonHeader, pages = {}, intercept } = options ?? {};
  const own = new Map(Object.entries(pages).map(([key, page]) => [key, ownOf(page, tools)]));
  return {
    intercepts: intercept && new StatusSet(intercept),
    reply(exchange, status, code) {
      const custom = own.get(`${status}`) ?? own.get(`${Math.floor(status / 100)}xx`) ?? NONE;
      const headers: Record<string, string> = { "cache-control": "no-store" };
      if (reasonHeader !== undefined) headers[reasonHeader] = code;
      return withPage({ exchange, status, code, custom, headers });
    },
  };
}

const NONE: OwnPages = { pages: {}, fetched: undefined, fetchedKind: undefined };

function ownOf({ texts, from }: PageOptions, tools: PageTools | undefined): OwnPages {
  const pages = templatesOf(texts);
  if (from === undefined || tools === undefined || tools.isDry) return { ...NONE, pages };
  const { kind } = from;
  // Ours stands in for it, and clients are asked whether they take that kind.
  return {
    pages: { ...pages, [kind]: pages[kind] ?? DEFAULT_PAGES[kind] },
    fetched: new FetchedPages(from, tools),
    fetchedKind: kind,
  };
}

function templatesOf(texts: PageTexts): Pages {
  const entries = Object.entries(texts) as [PageKind, string][]; // the schema knows no other keys
  return Object.fromEntries(
    entries.map(([kind, text]) => [kind, new Template(text, kind, PAGE_NAMES)]),
  );
}

interface PageParts {
  readonly exchange: Exchange | undefined;
  readonly status: number;
  readonly code: string;
  readonly custom: OwnPages;
  readonly headers: Record<string, string>;
}

function withPage(parts: PageParts): Reply {
  const { exchange, status, code, custom, headers } = parts;
  const kind = knownKind(exchange?.request.headers.get("accept") ?? "", custom.pages);
  if (custom.fetched === undefined || kind !== custom.fetchedKind) return withText(parts, kind);
  const { fetched } = custom;
  const known = fetched.known(status);
  const plain =
    known === undefined
      ? withText(parts, kind)
      : { status, headers: { ...headers, ...known.headers }, body: known.body };
  if (exchange === undefined || isInHaste(code) || !fetched.isDue(status)) return plain;
  return {
    ...plain,
    better(asking, { better: _, ...given }, give) {
      if (!fetched.isDue(status)) return give(given); // somebody else asks by now
      fetched.ask(asking, status, (page) =>
        give(
          page === undefined
            ? given
            : { ...given, headers: { ...given.headers, ...page.headers }, body: page.body },
        ),
      );
    },
  };
}

/** Replies that cannot wait: the connection is about to go, or there is too much to do as it is. */
function isInHaste(code: string): boolean {
  return code.startsWith("request_") || HASTY.has(code);
}

const HASTY: ReadonlySet<string> = new Set(["bug", "overloaded", "route_removed", "shutting_down"]);

function withText({ exchange, status, code, custom, headers }: PageParts, kind: PageKind): Reply {
  const title = reasonOf(status) || "Error";
  const template = custom.pages[kind] ?? DEFAULT_PAGES[kind];
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
