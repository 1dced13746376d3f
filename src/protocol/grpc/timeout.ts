/** grpc-timeout: how long a call may take, as "10S" or "250m". */

const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 0.001,
  n: 0.000_001,
};
const DIGITS_MAX = 99_999_999;

/** Milliseconds; undefined if it does not follow the grammar. */
export function readGrpcTimeout(value: string): number | undefined {
  const [, digits, unit] = /^([0-9]{1,8})([HMSmun])$/.exec(value) ?? [];
  return digits === undefined ? undefined : Number(digits) * UNIT_MS[unit!]!;
}

/** In the finest unit that it fits, and never more than it is. */
export function writeGrpcTimeout(ms: number): string {
  for (const unit of ["u", "m", "S", "M"]) {
    const count = Math.floor(ms / UNIT_MS[unit]!);
    if (count <= DIGITS_MAX) return `${Math.max(0, count)}${unit}`;
  }
  return `${Math.min(DIGITS_MAX, Math.floor(ms / UNIT_MS["H"]!))}H`;
}
