/** What the process held at one moment under load. */
export interface Sample {
  readonly atMs: number;
  readonly residentBytes: number;
  readonly heapBytes: number;
  readonly descriptors: number;
  readonly requests: number;
}

const MIB = 1024 * 1024;
const SAMPLES_MIN = 16;

interface Measure {
  readonly name: string;
  readonly of: (sample: Sample) => number;
  readonly spare: number; // by so much it may grow whatever it was
  readonly share: number; // and by this share of what it was
}

const MEASURES: readonly Measure[] = [
  { name: "heap MiB", of: ({ heapBytes }) => heapBytes / MIB, spare: 4, share: 0.1 },
  { name: "resident MiB", of: ({ residentBytes }) => residentBytes / MIB, spare: 16, share: 0.1 },
  { name: "descriptors", of: ({ descriptors }) => descriptors, spare: 20, share: 0.1 },
];

/**
 * What has grown. The first quarter warms up; then the least of the second is compared with the
 * least of the last, since what load and garbage add comes and goes, and what leaks does not.
 */
export function judged(samples: readonly Sample[]): readonly string[] {
  if (samples.length < SAMPLES_MIN) return [`${samples.length} samples are too few to judge by`];
  const quarter = Math.floor(samples.length / 4);
  const early = samples.slice(quarter, 2 * quarter);
  const late = samples.slice(-quarter);
  return MEASURES.flatMap(({ name, of, spare, share }) => {
    const before = Math.min(...early.map(of));
    const after = Math.min(...late.map(of));
    const isFlat = after <= before * (1 + share) + spare;
    return isFlat ? [] : [`${name} went from ${before.toFixed(1)} to ${after.toFixed(1)}`];
  });
}

export function tellSample({ residentBytes, heapBytes, descriptors, requests }: Sample): string {
  const [resident, heap] = [residentBytes, heapBytes].map((bytes) => (bytes / MIB).toFixed(1));
  return `${requests} requests, heap ${heap} MiB, resident ${resident} MiB, ${descriptors} descriptors`;
}
