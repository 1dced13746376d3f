/**
 * Loaded → checked: every problem at once, in its place, or a `Config` that is ready to compile.
 * Warnings are apart from problems: with them a config still runs.
 */

import { SystemClock } from "../base/system-clock.ts";
import type { Path } from "../core/feature.ts";
import type { Config } from "./config.ts";
import { checkAutomatic } from "./cross/automatic.ts";
import { checkCaptures } from "./cross/captures.ts";
import { checkCertificates } from "./cross/certificates.ts";
import { checkMtls } from "./cross/client-certificates.ts";
import { checkGeo } from "./cross/geo.ts";
import { checkLevels } from "./cross/levels.ts";
import { checkListeners } from "./cross/listeners.ts";
import { Notes } from "./cross/notes.ts";
import { checkRateLimits } from "./cross/rate-limits.ts";
import { asMap } from "./cross/raw.ts";
import { checkRoutes } from "./cross/routes.ts";
import { checkServes, checkStreams } from "./cross/streams.ts";
import { checkUpstreams } from "./cross/upstreams.ts";
import { isPlain } from "./expand.ts";
import { type Shaped, shape } from "./issues.ts";
import type { Loaded } from "./load.ts";
import { withPageFiles } from "./page-files.ts";
import { type Finding, type PlacedProblem, pathText, placed } from "./problems.ts";
import { settle } from "./settle.ts";
import type { Vocabulary } from "./shape/routes.ts";
import { configSchema, type ParsedConfig } from "./shape.ts";

export interface Checked {
  readonly config: Config | undefined; // undefined if there is a problem
  readonly problems: readonly PlacedProblem[];
  readonly warnings: readonly PlacedProblem[];
}

/** `reads`: the files that it names are looked into; a worker is given a config of which they have been. */
export function check(
  loaded: Loaded,
  vocabulary: Vocabulary,
  { reads }: { readonly reads: boolean } = { reads: true },
): Checked {
  const { origin, folder } = loaded;
  if (loaded.value === undefined && loaded.findings.length > 0) {
    return { config: undefined, problems: placed(loaded.findings, origin), warnings: [] };
  }

  const schema = configSchema(vocabulary);
  const { value, shaped } = shapeExpanded(schema, loaded);
  const notes = new Notes();
  const map = asMap(value);
  checkUpstreams(map, { vocabulary, folder }, notes);
  checkRoutes(map, vocabulary, notes);
  checkListeners(map, notes);
  checkStreams(map, notes);
  if (value === map) checkServes(map, notes); // else it is no map at all, which is told already
  checkLevels(map, notes);
  checkAutomatic(map, notes);
  checkMtls(map, notes);
  checkGeo(map, { folder, notes, reads });
  if (reads) checkCertificates(map, { folder, notes, wallMs: new SystemClock().wallMs() });

  const told = new Set(loaded.findings.map(({ at }) => pathText(at)));
  const found = [...(shaped.ok ? [] : shaped.findings), ...notes.problems]
    .filter(({ at }) => !told.has(pathText(at)))
    .map((finding) => withoutSecret(finding, loaded, value));
  const problems = placed([...loaded.findings, ...found], origin);
  const warnings = placed([...loaded.warnings, ...notes.warnings], origin);
  if (!shaped.ok || problems.length > 0) return { config: undefined, problems, warnings };
  const parsed = shaped.value as ParsedConfig; // what the schema has just answered
  const config = settle(parsed, vocabulary, folder);
  const astray = placed([...checkCaptures(config, vocabulary), ...checkRateLimits(config)], origin);
  return { config: astray.length > 0 ? undefined : config, problems: astray, warnings };
}

interface ShapedValue {
  readonly value: unknown;
  readonly shaped: Shaped;
}

/**
 * What is wholly one `${X}` may stand for a number or a boolean: where the schema does not want the
 * text, it is offered again as what it looks like.
 */
function shapeExpanded(schema: ReturnType<typeof configSchema>, loaded: Loaded): ShapedValue {
  const { expansions, folder } = loaded;
  const value = withPageFiles(loaded.value, folder);
  const shaped = shape(schema, value);
  if (shaped.ok || expansions.size === 0) return { value, shaped };
  const refused = new Set(shaped.findings.map(({ at }) => pathText(at)));
  const retyped = mapTexts(value, [], (text, at) =>
    refused.has(at) && expansions.get(at)?.whole ? typed(text) : text,
  );
  return { value: retyped, shaped: shape(schema, retyped) };
}

function typed(text: string): unknown {
  if (text === "true" || text === "false") return text === "true";
  return /^-?\d{1,15}(\.\d{1,15})?$/.test(text) ? Number(text) : text;
}

function mapTexts(
  value: unknown,
  path: Path,
  change: (text: string, at: string) => unknown,
): unknown {
  if (typeof value === "string") return change(value, pathText(path));
  if (Array.isArray(value)) {
    return value.map((item, index) => mapTexts(item, [...path, index], change));
  }
  if (typeof value !== "object" || value === null || !isPlain(value)) return value;
  const entries = Object.entries(value).map(([key, item]) => [
    key,
    mapTexts(item, [...path, key], change),
  ]);
  return Object.fromEntries(entries);
}

const SECRET_CHARS_MIN = 6; // to take a shorter text out would cut into our own words

/** What came from the environment or a file may be a secret: the message shows where from. */
function withoutSecret(finding: Finding, { expansions }: Loaded, value: unknown): Finding {
  const expansion = expansions.get(pathText(finding.at));
  if (expansion === undefined) return finding;
  const got = finding.message.indexOf(", got ");
  const message =
    got === -1 ? finding.message : `${finding.message.slice(0, got)}, got ${expansion.written}`;
  const text = String(valueAt(value, finding.at));
  if (text.length < SECRET_CHARS_MIN) return { ...finding, message };
  return { ...finding, message: message.split(text).join(expansion.written) };
}

function valueAt(value: unknown, path: Path): unknown {
  let inner = value;
  for (const step of path) {
    inner = Array.isArray(inner) ? inner[Number(step)] : asMap(inner)[String(step)];
  }
  return inner;
}
