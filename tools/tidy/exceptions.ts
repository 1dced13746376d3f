/**
 * Where a rule does not hold, and why. An exception that is no longer needed is itself a finding,
 * and one with `max` is a ratchet: the value may shrink, and `max` with it, but not grow.
 */
export interface Exception {
  readonly rule: string;
  readonly path: string;
  readonly reason: string;
  readonly max?: number;
}

// The HTTP/2 engine, which no transport uses yet.
const UNUSED = [
  "connection.ts",
  "error-code.ts",
  "field-section.ts",
  "field.ts",
  "flood-budget.ts",
  "frame-handler.ts",
  "frame-output.ts",
  "frame-reader.ts",
  "frame-rules.ts",
  "frame-type.ts",
  "header-block.ts",
  "hpack-decoder.ts",
  "hpack-encoder.ts",
  "huffman.ts",
  "ready-streams.ts",
  "request-head.ts",
  "settings.ts",
  "static-table.ts",
  "stream-table.ts",
  "stream.ts",
];

export const EXCEPTIONS: readonly Exception[] = UNUSED.map((file) => ({
  rule: "dead-files",
  path: `src/protocol/h2/${file}`,
  reason: "the transport that uses it comes next",
}));
