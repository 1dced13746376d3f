/**
 * The parts that commands run, as far as commands need them. The modules are named by text and
 * loaded on use, because they are built beside this one; once they are here, `import("…")` with the
 * name written out takes the place of `part()`.
 */
import type { Address } from "../base/world.ts";

/** What src/config/load.ts makes of a file or of data: read, expanded, not checked. */
export interface LoadedConfig {
  readonly origin: { readonly name: string };
}

export interface RunningProxy {
  readonly addresses: readonly Address[]; // as bound
  /** Drains for as long as the config says, or for `deadlineMs`. */
  stop(deadlineMs?: number): Promise<void>;
}

interface Embedding {
  createProxy(config: LoadedConfig): Promise<RunningProxy>;
}

interface Loading {
  load(options: { folder: string; file?: string }): Promise<LoadedConfig>;
  loadValue(value: unknown, name: string, options: { folder: string }): LoadedConfig;
}

interface Checking {
  check(loaded: LoadedConfig, vocabulary: unknown): Checked;
}

interface Checked {
  readonly problems: readonly unknown[];
  readonly warnings: readonly unknown[];
}

interface Problems {
  problemLine(problem: unknown): string;
}

interface Suggesting {
  didYouMean(word: string, known: Iterable<string>): string;
}

export async function createProxy(loaded: LoadedConfig): Promise<RunningProxy> {
  return (await part<Embedding>("../index.ts")).createProxy(loaded);
}

export async function loadConfig(folder: string, file: string | undefined): Promise<LoadedConfig> {
  const { load } = await part<Loading>("../config/load.ts");
  return load(file === undefined ? { folder } : { folder, file });
}

export async function loadValue(value: unknown, name: string, folder: string) {
  return (await part<Loading>("../config/load.ts")).loadValue(value, name, { folder });
}

/** A line each, with file, line and column. */
export async function checkConfig(loaded: LoadedConfig) {
  const { check } = await part<Checking>("../config/check.ts");
  const { problemLine } = await part<Problems>("../config/problems.ts");
  const { vocabulary } = await part<{ vocabulary: unknown }>("../features/index.ts");
  const { problems, warnings } = check(loaded, vocabulary);
  return { problems: problems.map(problemLine), warnings: warnings.map(problemLine) };
}

/** A courtesy: without it the message stands as well. */
export async function suggestion(word: string, known: readonly string[]): Promise<string> {
  const loading = part<Suggesting>("../config/suggest.ts");
  return loading.then(
    ({ didYouMean }) => didYouMean(word, known),
    () => "",
  );
}

export async function part<T>(path: string): Promise<T> {
  return (await import(path)) as T;
}
