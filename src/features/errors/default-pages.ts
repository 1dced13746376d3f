import { Template } from "../../core/template.ts";

/** What a page knows beside the exchange: {status} 404, {title} "Not Found", {code} "no_route". */
export const PAGE_NAMES = ["status", "title", "code"] as const;

export const PAGE_KINDS = ["text", "json", "html"] as const;
export type PageKind = (typeof PAGE_KINDS)[number];

export const CONTENT_TYPES: Readonly<Record<PageKind, string>> = {
  text: "text/plain; charset=utf-8",
  json: "application/problem+json", // RFC 9457
  html: "text/html; charset=utf-8",
};

const TEXT = "{status} {title}: {code} (request {requestId})\n";

const JSON_TEXT =
  '{"type":"about:blank","title":"{title}","status":{status},"code":"{code}","requestId":"{requestId}"}\n';

const HTML = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{status} {title}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:36em;margin:15vh auto;padding:0 1em}code{color:GrayText}</style>
<h1>{status} {title}</h1>
<p><code>{code}</code>
<p>If you ask for help, say the request id: <code>{requestId}</code>
</html>
`;

export const DEFAULT_PAGES: Readonly<Record<PageKind, Template>> = {
  text: new Template(TEXT, "text", PAGE_NAMES),
  json: new Template(JSON_TEXT, "json", PAGE_NAMES),
  html: new Template(HTML, "html", PAGE_NAMES),
};
