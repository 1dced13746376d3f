import { METRICS, type MetricKey, type MetricRow } from "./metric-table.ts";

/** A scraper takes one of these; Accept says which. */
export type Format = "prometheus" | "openmetrics";

export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** OpenMetrics if it is asked for by name and not refused (q=0). */
export function formatFor(accept: string | undefined): Format {
  for (const range of (accept ?? "").split(",")) {
    const [name = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    if (name !== "application/openmetrics-text") continue;
    if (!parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))) return "openmetrics";
  }
  return "prometheus";
}

/** Samples gathered by metric, then written out in the order of the table. */
export class Exposition {
  readonly #format: Format;
  readonly #lines: Map<MetricKey, string[]>;

  constructor(format: Format) {
    this.#format = format;
    this.#lines = new Map();
  }

  /** `values` are those of the row's labels, in order. */
  sample(key: MetricKey, values: readonly string[], value: number): void {
    const { name, type, labels }: MetricRow = METRICS[key];
    const suffix = type === "counter" ? "_total" : "";
    this.#add(key, `${name}${suffix}${braced(pairs(labels, values))} ${number(value)}`);
  }

  /** `counts` by bucket, one more than `bounds`, not yet added up. */
  histogram(
    key: MetricKey,
    values: readonly string[],
    data: { readonly bounds: readonly number[]; readonly counts: ArrayLike<number>; sum: number },
  ): void {
    const { name, labels }: MetricRow = METRICS[key];
    const own = pairs(labels, values);
    let count = 0;
    for (let index = 0; index <= data.bounds.length; index++) {
      count += data.counts[index]!;
      const bound = data.bounds[index];
      const le = `le="${bound === undefined ? "+Inf" : bucketBound(bound)}"`;
      this.#add(key, `${name}_bucket${braced([...own, le])} ${count}`);
    }
    this.#add(key, `${name}_count${braced(own)} ${count}`);
    this.#add(key, `${name}_sum${braced(own)} ${number(data.sum)}`);
  }

  text(): string {
    const out: string[] = [];
    for (const [key, row] of Object.entries(METRICS) as [MetricKey, MetricRow][]) {
      const lines = this.#lines.get(key);
      if (lines === undefined) continue;
      // 0.0.4 has the type of the sample's name, OpenMetrics that of the family.
      const isOpen = this.#format === "openmetrics";
      const name = row.type === "counter" && !isOpen ? `${row.name}_total` : row.name;
      out.push(`# TYPE ${name} ${row.type}`);
      if (isOpen && row.unit !== "") out.push(`# UNIT ${name} ${row.unit}`);
      out.push(`# HELP ${name} ${row.help}`, ...lines);
    }
    if (this.#format === "openmetrics") out.push("# EOF");
    return `${out.join("\n")}\n`;
  }

  #add(key: MetricKey, line: string): void {
    const lines = this.#lines.get(key);
    if (lines === undefined) this.#lines.set(key, [line]);
    else lines.push(line);
  }
}

function pairs(labels: readonly string[], values: readonly string[]): string[] {
  return labels.map((label, index) => `${label}="${escaped(values[index] ?? "")}"`);
}

function braced(labelPairs: readonly string[]): string {
  return labelPairs.length === 0 ? "" : `{${labelPairs.join(",")}}`;
}

function escaped(value: string): string {
  return value.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");
}

function number(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return String(value);
}

/** "1.0" and not "1": OpenMetrics wants it so, and the two formats must not make two series. */
function bucketBound(bound: number): string {
  return Number.isInteger(bound) ? bound.toFixed(1) : String(bound);
}
