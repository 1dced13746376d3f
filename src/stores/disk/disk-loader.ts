/** What a folder has, read when a store is opened: tables, and heads where no table covers them. */
import type { Files, OpenFile } from "../../base/files.ts";
import type { DiskIndex } from "./disk-index.ts";
import type { DiskShare } from "./disk-share.ts";
import { decodeHead, FIXED_BYTES, headBytesAt, recordBytes } from "./record.ts";
import { Segment, segmentNamed } from "./segment.ts";
import { SegmentTable, type TableRow, type WrittenOrder } from "./segment-table.ts";
import type { Segments } from "./segments.ts";

const WINDOW_BYTES = 1024 * 1024;
const ROWS_A_TURN = 20_000; // some milliseconds

export interface LoaderParts {
  readonly files: Files;
  readonly folder: string;
  readonly worker: number;
  readonly workers: number;
  readonly share: DiskShare;
  readonly segments: Segments;
  readonly index: DiskIndex;
  readonly orders: (order: WrittenOrder) => void;
  /** Others have their turn. */
  readonly pause: () => Promise<void>;
  readonly isOver: () => boolean; // it was shut meanwhile
}

/** Rejects if the folder cannot be read; of what cannot be read in it nothing is known. */
export async function loadFolder(parts: LoaderParts): Promise<void> {
  const names = await parts.files.list(parts.folder);
  const found = names.flatMap((name) => segmentNamed(name) ?? []).sort((a, b) => a.id - b.id);
  const removals: TableRow[] = [];
  for (const { id, worker } of found) {
    if (parts.isOver()) return;
    if (parts.segments.get(id) !== undefined) continue; // another worker has told of it
    const isOwn = worker % parts.workers === parts.worker;
    const segment = new Segment(parts.files, parts.folder, id, worker, isOwn);
    const table = await tableOf(segment, parts.segments);
    if (table === undefined) continue;
    await take(segment, table, removals, parts);
    await parts.pause();
  }
  for (const { key, order } of removals) parts.index.delete(key, order);
}

async function take(
  segment: Segment,
  table: SegmentTable,
  removals: TableRow[],
  parts: LoaderParts,
): Promise<void> {
  const { segments, index, share } = parts;
  segment.bytes = table.covered;
  segment.serialMin = table.serialMin;
  segments.add(segment);
  share.after(table.tickMax);
  for (const order of table.orders) parts.orders(order);
  for (let place = 0; place < table.count; place++) {
    const { key, offset, bytes, order } = table.row(place);
    if (bytes === 0) removals.push({ key, offset, bytes, order });
    else index.put(key, { segment: segment.id, offset, bytes, order });
    if ((place + 1) % ROWS_A_TURN === 0) await parts.pause();
  }
}

/** undefined: nothing of it can be read. */
async function tableOf(segment: Segment, segments: Segments): Promise<SegmentTable | undefined> {
  const written = await segment.readTable();
  const table = written ?? new SegmentTable();
  let file: OpenFile;
  try {
    file = await segments.use(segment);
  } catch {
    return undefined;
  }
  try {
    if (file.bytes < table.covered) return undefined; // it has been cut: what it says is not there
    if (file.bytes === table.covered) return table;
    await scan(file, table);
  } catch {
    // It cannot be read beyond there.
  } finally {
    segments.release(segment);
  }
  if (segment.isOwn && table.count + table.orders.length > 0) {
    await segment.writeTable(table).catch(() => {});
  }
  return table;
}

/** Head by head behind what the table covers, up to what a crash has left half-written. */
async function scan(file: OpenFile, table: SegmentTable): Promise<void> {
  let window = Buffer.alloc(0);
  let windowAt = 0;
  const fill = async (at: number, bytes: number) => {
    window = Buffer.allocUnsafeSlow(Math.min(Math.max(bytes, WINDOW_BYTES), file.bytes - at));
    windowAt = at;
    window = window.subarray(0, await file.read(window, at));
  };
  for (let at = table.covered; at + FIXED_BYTES <= file.bytes; ) {
    if (at < windowAt || at + FIXED_BYTES > windowAt + window.length) await fill(at, FIXED_BYTES);
    const headBytes = headBytesAt(window, at - windowAt);
    if (headBytes === undefined) return;
    if (at + headBytes > windowAt + window.length) await fill(at, headBytes);
    const head = decodeHead(window, at - windowAt);
    if (head === undefined) return;
    const bytes = recordBytes(head);
    if (at + bytes > file.bytes) return;
    table.saw(Math.max(head.order, head.serial));
    if (head.kind === "purge") table.orders.push(JSON.parse(head.url) as WrittenOrder);
    else {
      const row = { key: head.key, offset: at, order: head.order };
      table.add({ ...row, bytes: head.kind === "removal" ? 0 : bytes });
      if (head.kind !== "removal") table.serialMin = Math.min(table.serialMin, head.serial);
    }
    at += bytes;
    table.covered = at;
  }
}
