/**
 * Does the end of a path say what the content is, and does the content say otherwise? Where an
 * origin answers /account/x.css with the account page, whoever got its owner to open that URL could
 * fetch it from the cache (web cache deception, SECURITY C2).
 */
import { MediaTypes } from "../http/media-types.ts";

const SCRIPT = ["text/javascript", "application/javascript", "application/x-javascript"];
const FONT = [
  ...["font/*", "application/font-woff", "application/font-woff2", "application/x-font-ttf"],
  ...["application/x-font-otf", "application/x-font-woff", "application/vnd.ms-fontobject"],
];
const ARCHIVES = new MediaTypes(["application/*", "text/rtf"]);

/** Endings that are cached by their name in many places, and what they may be. */
const ENDINGS: readonly (readonly [endings: string, types: readonly string[] | MediaTypes])[] = [
  ["css", ["text/css"]],
  ["js mjs", SCRIPT],
  ["map", ["application/json", "text/plain", ...SCRIPT]],
  ["json", ["application/json", "*/*+json", "text/json"]],
  ["csv", ["text/csv", "text/plain", "application/csv"]],
  ["txt", ["text/plain"]],
  ["xml", ["application/xml", "text/xml", "*/*+xml"]],
  ["wasm", ["application/wasm"]],
  ["pdf", ["application/pdf"]],
  ["gif png jpg jpeg webp avif ico bmp tif tiff svg svgz jxl heic", ["image/*"]],
  ["woff woff2 ttf otf eot", FONT],
  ["mp3 ogg oga flac wav m4a aac opus", ["audio/*", "application/ogg"]],
  ["mp4 m4v webm mov avi mkv ogv mpg mpeg", ["video/*", "audio/*", "application/ogg"]],
  ["zip gz tgz bz2 xz zst 7z rar jar tar dmg exe msi apk deb rpm iso bin", ARCHIVES],
  ["doc docx xls xlsx ppt pptx odt ods epub rtf", ARCHIVES],
];

const TYPES: ReadonlyMap<string, MediaTypes> = new Map(
  ENDINGS.flatMap(([endings, types]) => {
    const known = types instanceof MediaTypes ? types : new MediaTypes(types);
    return endings.split(" ").map((ending) => [ending, known] as const);
  }),
);

/** What an application/* of an archive or a document is not: what pages and APIs answer with. */
const ANSWERS = new MediaTypes(["application/json", "*/*+json", "application/xml", "*/*+xml"]);
/** Says nothing of what it is, and no browser makes a page of it. */
const UNSAID = new MediaTypes(["application/octet-stream"]);

const ENDING_CHARS_MAX = 5;

export function contradictsPath(path: string, contentType: string | undefined): boolean {
  const dot = path.lastIndexOf(".");
  if (dot < 0 || path.length - dot - 1 > ENDING_CHARS_MAX) return false;
  const types = TYPES.get(path.slice(dot + 1).toLowerCase());
  if (types === undefined) return false;
  if (contentType === undefined) return true; // a browser would guess
  if (UNSAID.has(contentType)) return false;
  if (!types.has(contentType)) return true;
  return types === ARCHIVES && ANSWERS.has(contentType);
}
