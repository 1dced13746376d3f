/**
 * Parts of a response (206) in the store. Those of one representation stand beside each other, and are put
 * together where they touch, up to the whole (RFC 9111 §3.4, RFC 9110 §15.3.7.3).
 */
import { isSameStrongTag } from "../../protocol/caching/conditional.ts";
import { type ByteRange, type ContentRange, joined } from "../../protocol/caching/range.ts";
import type { Freshness } from "../../protocol/caching/reuse.ts";
import { idOf } from "../../protocol/http/header-id.ts";
import { dropTable, HeaderList } from "../../protocol/http/header-list.ts";
import type { CacheStore, Filling, StoredResponse } from "../../stores/cache-store.ts";
import { GrowingBody } from "../../stores/growing-body.ts";

const ETAG = idOf("etag");
const DROPS = dropTable([idOf("content-range")]); // it says where one of them was
const PARTS_MAX = 16; // of one representation, that do not touch
const ADOPTED_BYTES_MIN = 32 * 1024; // of less a copy costs no more than a Buffer of its own

/** A part that has come. */
export interface NewPart {
  readonly url: string;
  readonly partition: string; // of the whole
  readonly varyNames: readonly string[];
  readonly varyKey: string;
  readonly lines: string;
  readonly freshness: Freshness;
  readonly range: ContentRange;
  readonly body: GrowingBody;
  readonly bytesMax: number; // more of it together is not stored
}

interface Piece {
  readonly range: ByteRange;
  readonly body: Pick<GrowingBody, "at">;
}

export function isPartOf({ partition }: StoredResponse, ofWhole: string): boolean {
  return partition.length > ofWhole.length && partition.startsWith(partsOf(ofWhole));
}

/** Into the store, with what it touches of the same; as a whole, if it is one then. */
export function keepPart(store: CacheStore, part: NewPart, filling: Filling): void {
  const { url, partition, varyNames, varyKey, freshness } = part;
  const { range, body, lines } = gathered(store, part, filling);
  const { total } = part.range;
  const common = { url, varyNames, varyKey, freshness, body, lines };
  if (range.last - range.first + 1 === total) {
    const whole = store.put({ ...common, partition, status: 200 }, filling);
    if (whole !== undefined) dropParts(store, whole);
    return;
  }
  const where = { rangeAt: range.first, rangeTotal: total };
  const key = `${partsOf(partition)}${range.first}`;
  store.put({ ...common, ...where, partition: key, status: 206 }, filling);
}

/** The whole is there: its parts are of no use. */
export function dropParts(store: CacheStore, whole: StoredResponse): void {
  for (const part of partsBeside(whole.next, whole)) store.remove(part);
}

/**
 * With those that it touches, which go. Others of the same representation stay where they are, and
 * those of another one are of the past.
 */
function gathered(
  store: CacheStore,
  part: NewPart,
  filling: Filling,
): { readonly range: ByteRange; readonly body: GrowingBody; readonly lines: string } {
  const own = HeaderList.ofLines(part.lines);
  const pieces: Piece[] = [part];
  let range: ByteRange = part.range;
  let headers = own;
  // §3.4: a strong validator, and the same one, is what makes bytes of two responses fit.
  const first = store.lookup(part.url, part.freshness.bornMs);
  const beside = partsBeside(first, part);
  for (const oldest of beside.splice(PARTS_MAX - 1)) store.remove(oldest);
  for (const stored of beside.toSorted(byDistanceTo(part.range))) {
    const fields = stored.headers();
    if (!isSameStrongTag(own.first(ETAG), fields.first(ETAG)) || !isOfSameLength(stored, part)) {
      store.remove(stored);
      continue;
    }
    const other = { first: stored.rangeAt, last: stored.rangeAt + stored.bodyBytes - 1 };
    const both = joined(range, other);
    if (both === undefined || !mayGrow(both, range, part, filling)) continue;
    range = both;
    pieces.push({ range: other, body: copyOf(stored) });
    headers = updated(fields, headers);
    store.remove(stored);
  }
  const body = pieces.length === 1 ? part.body : bodyOf(pieces, range);
  return { range, body, lines: headers.lines(DROPS) };
}

function mayGrow(both: ByteRange, range: ByteRange, part: NewPart, filling: Filling): boolean {
  const bytes = both.last - both.first + 1;
  return bytes <= part.bytesMax && filling.grow(bytes - (range.last - range.first + 1));
}

/** Nearest first, so that a chain of parts is put together in one go. */
function byDistanceTo({ first }: ByteRange) {
  return (one: StoredResponse, other: StoredResponse) =>
    Math.abs(one.rangeAt - first) - Math.abs(other.rangeAt - first);
}

interface PartKey {
  readonly partition: string;
  readonly varyNames: readonly string[];
  readonly varyKey: string;
}

function partsBeside(
  first: StoredResponse | undefined,
  { partition, varyNames, varyKey }: PartKey,
): StoredResponse[] {
  const found: StoredResponse[] = [];
  for (let each = first; each !== undefined; each = each.next) {
    const isSame = each.varyKey === varyKey && each.varyNames.join() === varyNames.join();
    if (isSame && isPartOf(each, partition)) found.push(each);
  }
  return found;
}

function isOfSameLength({ rangeTotal }: StoredResponse, { range }: NewPart): boolean {
  return rangeTotal === range.total;
}

/** §3.4: the fields of what has come last count. */
function updated(stored: HeaderList, fresh: HeaderList): HeaderList {
  const merged = stored.copy();
  fresh.each((name) => merged.delete(name));
  fresh.each((name, value) => merged.add(name, value));
  return merged;
}

/** The bytes of a small one are lent: another's once it is removed. */
function copyOf(stored: StoredResponse): Pick<GrowingBody, "at"> {
  if (!stored.isLent) return stored;
  const body = new GrowingBody();
  const bytes = stored.at(0);
  if (bytes !== undefined) body.append(bytes);
  return body;
}

/** In order, and where they overlap from the one that begins first. */
function bodyOf(pieces: readonly Piece[], { first, last }: ByteRange): GrowingBody {
  const body = new GrowingBody();
  let at = first;
  for (const piece of pieces.toSorted((a, b) => a.range.first - b.range.first)) {
    while (at <= Math.min(piece.range.last, last)) {
      const position = at - piece.range.first;
      const bytes = piece.body.at(position)!; // it is whole
      const left = piece.range.last + 1 - at;
      const some = bytes.length > left ? bytes.subarray(0, left) : bytes;
      // A slice would keep all of a Buffer in memory that counts for a part of it.
      const isAll = some.byteLength === some.buffer.byteLength;
      if (isAll && some.length >= ADOPTED_BYTES_MIN) body.adopt(some);
      else body.append(some, last + 1 - at);
      at += some.length;
    }
  }
  return body;
}

function partsOf(partition: string): string {
  return `${partition}\npart `;
}
