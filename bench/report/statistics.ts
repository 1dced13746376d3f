/** The middle value: one slice that somebody disturbed does not move it. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle]!;
  return (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** One measured slice of one entry. Slices of the same start and round are neighbours in time. */
export interface Slice {
  readonly label: string;
  readonly start: number;
  readonly round: number;
  readonly cpuUs: number; // per request
}

export interface Ratio {
  readonly middle: number; // median of the starts' medians
  readonly least: number; // of the starts' medians
  readonly most: number;
}

/**
 * CPU per request to that of `base`. Each slice is divided by the base's slice of the same round,
 * so a machine that slows down for both does not show. Then medians, first within a start, since
 * two processes of one program differ for their whole life by more than their slices do.
 */
export function ratioTo(base: string, label: string, slices: readonly Slice[]): Ratio | undefined {
  const baseCpu = new Map<string, number>();
  for (const slice of slices) {
    if (slice.label === base) baseCpu.set(roundKey(slice), slice.cpuUs);
  }

  const byStart = new Map<number, number[]>();
  for (const slice of slices) {
    const reference = baseCpu.get(roundKey(slice));
    if (slice.label !== label || reference === undefined) continue;
    byStart.set(slice.start, [...(byStart.get(slice.start) ?? []), slice.cpuUs / reference]);
  }
  if (byStart.size === 0) return undefined;

  const middles = [...byStart.values()].map(median);
  return { middle: median(middles), least: Math.min(...middles), most: Math.max(...middles) };
}

function roundKey({ start, round }: Slice): string {
  return `${start}/${round}`;
}
