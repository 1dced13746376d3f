/**
 * Which of `offers` the client likes best (RFC 9110 §12.5.1): the highest q-value, then the order of
 * `offers`. An absent or unusable Accept likes everything. undefined: it refuses all of them.
 */
export function preferredType(
  accept: string | undefined,
  offers: readonly string[],
): string | undefined {
  const ranges =
    accept === undefined ? [] : accept.slice(0, ACCEPT_BYTES_MAX).split(",").map(readRange);
  if (ranges.every((range) => range === undefined)) return offers[0];
  let best: string | undefined;
  let bestQuality = 0;
  for (const offer of offers) {
    const quality = qualityOf(offer, ranges);
    if (quality > bestQuality) {
      best = offer;
      bestQuality = quality;
    }
  }
  return best;
}

const ACCEPT_BYTES_MAX = 2048; // browsers send some 150

interface MediaRange {
  readonly type: string; // "text/html", "text/*", "*/*"
  readonly quality: number;
}

function readRange(text: string): MediaRange | undefined {
  const [type = "", ...parameters] = text.split(";").map((part) => part.trim().toLowerCase());
  if (!/^(\*\/\*|[\w!#$&^.+-]+\/(\*|[\w!#$&^.+-]+))$/.test(type)) return undefined;
  const q = parameters.find((parameter) => parameter.startsWith("q="));
  if (q === undefined) return { type, quality: 1 };
  return /^q=(0(\.[0-9]{0,3})?|1(\.0{0,3})?)$/.test(q)
    ? { type, quality: Number(q.slice(2)) }
    : undefined;
}

/** The most specific range decides, not the most generous. */
function qualityOf(offer: string, ranges: readonly (MediaRange | undefined)[]): number {
  const family = `${offer.slice(0, offer.indexOf("/"))}/*`;
  for (const wanted of [offer, family, "*/*"]) {
    const found = ranges.find((range) => range?.type === wanted);
    if (found !== undefined) return found.quality;
  }
  return 0;
}
