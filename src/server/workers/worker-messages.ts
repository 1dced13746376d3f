import type { Address } from "../../base/world.ts";
import type { Loaded } from "../../config/load.ts";
import type { CertificateChanges, CertificateEntry } from "../../core/certificates.ts";
import type { DirectoryEntry } from "../../core/directory.ts";
import type { SharedBank } from "../../observe/metric-bank.ts";
import type { Descriptor, Leaving } from "../crew.ts";
import type { Drained, HandOver } from "../emptying.ts";
import type { TrafficByRoute } from "../route-traffic.ts";
import type { Blocks } from "./shared-memory.ts";

/** A config on its way to a worker: data as it is; of code the file, which is run once more. */
export type PostedConfig =
  | { readonly kind: "data"; readonly loaded: Loaded }
  | { readonly kind: "module"; readonly file: string; readonly folder: string };

export interface Prepare {
  readonly kind: "prepare";
  readonly posted: PostedConfig;
  readonly version: number;
  readonly blocks: Blocks;
  readonly bound: ReadonlyMap<string, Address>; // where port 0 has become one
  readonly entries: readonly DirectoryEntry[]; // of the directory
  readonly certificates?: CertificateChanges; // all there are; only for a worker that begins
}

/** What the main thread asks, and what it is answered with. */
export interface Answers {
  readonly prepare: ReadonlyMap<string, Address>; // what was opened
  readonly commit: Leaving;
  readonly abort: undefined;
  readonly stop: Drained;
  readonly handOver: Drained;
  readonly descriptors: readonly Descriptor[];
  readonly directory: undefined;
  readonly certificates: undefined;
  readonly demanded: undefined;
  readonly inFlight: TrafficByRoute;
  readonly hurry: undefined;
  readonly reopenLogs: undefined;
}

export type Question =
  | Prepare
  | {
      readonly kind: "directory";
      readonly entries: readonly DirectoryEntry[];
      readonly blocks: Blocks;
    }
  | { readonly kind: "certificates"; readonly changes: CertificateChanges }
  | {
      readonly kind: "demanded";
      readonly name: string;
      readonly entry: CertificateEntry | undefined;
    }
  | { readonly kind: "commit" | "abort" | "inFlight" | "descriptors" | "hurry" | "reopenLogs" }
  | { readonly kind: "handOver"; readonly manner: HandOver }
  | { readonly kind: "stop"; readonly deadlineMs: number; readonly isOwn: boolean };

export interface ToWorker {
  readonly id: number;
  readonly question: Question;
}

export type FromWorker =
  | { readonly kind: "answer"; readonly id: number; readonly value: unknown }
  | { readonly kind: "refusal"; readonly id: number; readonly message: string }
  | { readonly kind: "demand"; readonly name: string } // for a certificate; "demanded" answers
  | { readonly kind: "line"; readonly line: string } // of the program's own log
  | { readonly kind: "bank"; readonly bank: SharedBank };

/** What a thread is told when it is made. */
export interface WorkerBirth {
  readonly worker: number;
  readonly workers: number;
  readonly pseudonym: string;
  readonly isReadableLog: boolean;
  readonly pulse: SharedArrayBuffer;
  readonly compiledCode: string | undefined; // the folder of Node's compile cache
  readonly inherited: readonly Descriptor[]; // listening sockets that are there already
}

/** Throws if the config holds what no other thread can have. */
export function posted(loaded: Loaded): PostedConfig {
  const { origin, file, folder } = loaded;
  // Its text is for messages about problems, of which there are none any more.
  const plain = { ...loaded, origin: { name: origin.name, text: undefined, root: undefined } };
  if (isPlain(loaded.value)) return { kind: "data", loaded: plain };
  if (file !== undefined) return { kind: "module", file, folder };
  throw new Error(
    "Cannot use workers: must be 1 where the config has functions and is in no file, " +
      "since a function cannot be handed to another thread",
  );
}

export async function unposted(config: PostedConfig): Promise<Loaded> {
  if (config.kind === "data") return config.loaded;
  // Only here: what reads YAML is a third of all that a worker would load.
  const { load } = await import("../../config/load.ts");
  return await load(config);
}

/** What is to be posted has been checked, so it is a tree. */
function isPlain(value: unknown): boolean {
  if (typeof value === "function" || typeof value === "symbol") return false;
  if (typeof value !== "object" || value === null) return true;
  return Object.values(value).every(isPlain);
}
