import { FollowedFile } from "../base/followed-file.ts";
import { parseIp } from "../base/ip-address.ts";
import type { World } from "../base/world.ts";
import { Mmdb, type MmdbPath } from "../protocol/mmdb/mmdb.ts";
import { MmdbError } from "../protocol/mmdb/mmdb-data.ts";

/** Where addresses are, and whose, as far as databases say. */
export interface Geo {
  readonly hasCountries: boolean;
  readonly hasSystems: boolean;
  /** Two capital letters (ISO 3166-1); "" if nobody knows. */
  country(address: string): string;
  /** The number of the autonomous system; 0 if nobody knows. */
  asn(address: string): number;
  reports(): readonly GeoReport[];
}

/** For operators: what is in use, and why a newer one is not. */
export interface GeoReport {
  readonly file: string;
  readonly type: string; // as the database calls itself
  readonly builtMs: number;
  readonly problem: string | undefined;
}

export interface GeoFiles {
  readonly country?: string | undefined; // absolute
  readonly asn?: string | undefined;
}

const FILE_BYTES_MAX = 1024 * 1024 * 1024;

// MaxMind's own, and how others name the same.
const COUNTRY_PATHS: readonly MmdbPath[] = [
  ["country", "iso_code"],
  ["country_code"],
  ["country"],
  ["registered_country", "iso_code"],
];
const ASN_PATHS: readonly MmdbPath[] = [
  ["autonomous_system_number"],
  ["asn"],
  ["traits", "autonomous_system_number"],
];

/** Databases in files, which are followed. Throws if one cannot be used to begin with. */
export class GeoDatabases implements Geo {
  readonly #countries: Answers<string> | undefined;
  readonly #systems: Answers<number> | undefined;

  constructor({ country, asn }: GeoFiles, world: Pick<World, "clock" | "log">) {
    this.#countries = country === undefined ? undefined : new Answers(country, COUNTRIES, world);
    this.#systems = asn === undefined ? undefined : new Answers(asn, SYSTEMS, world);
  }

  get hasCountries(): boolean {
    return this.#countries !== undefined;
  }

  get hasSystems(): boolean {
    return this.#systems !== undefined;
  }

  country(address: string): string {
    return this.#countries?.of(address) ?? "";
  }

  asn(address: string): number {
    return this.#systems?.of(address) ?? 0;
  }

  reports(): readonly GeoReport[] {
    return [this.#countries, this.#systems].flatMap((each) =>
      each === undefined ? [] : [each.report()],
    );
  }
}

/** How a record is read, and what it is called where there is none of them. */
interface Reading<Answer> {
  readonly none: Answer;
  readonly what: string;
  read(database: Mmdb, record: number): Answer;
}

const COUNTRIES: Reading<string> = {
  none: "",
  what: "country",
  read: (database, record) => {
    for (const path of COUNTRY_PATHS) {
      const code = database.textAt(record, path);
      if (code !== undefined && /^[A-Za-z]{2}$/.test(code)) return code.toUpperCase();
    }
    return "";
  },
};

const SYSTEMS: Reading<number> = {
  none: 0,
  what: "autonomous system",
  read: (database, record) => {
    for (const path of ASN_PATHS) {
      const found = database.numberAt(record, path) ?? numberOf(database.textAt(record, path));
      if (found !== undefined) return found;
    }
    return 0;
  },
};

/** "AS15169" as some write it. */
function numberOf(text: string | undefined): number | undefined {
  const digits = /^(?:AS)?(\d{1,10})$/i.exec(text ?? "")?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** A database with the one thing that is read of it, read ahead: many networks share a record. */
interface Read<Answer> {
  readonly database: Mmdb;
  readonly answers: ReadonlyMap<number, Answer>;
}

class Answers<Answer> {
  readonly #file: string;
  readonly #followed: FollowedFile<Read<Answer>>;
  readonly #none: Answer;
  readonly #words: Uint32Array;
  #lastOf: Read<Answer> | undefined;
  #lastAddress: string;
  #last: Answer;

  constructor(file: string, reading: Reading<Answer>, world: Pick<World, "clock" | "log">) {
    this.#file = file;
    this.#followed = new FollowedFile(file, {
      bytesMax: FILE_BYTES_MAX,
      make: (bytes) => readAhead(bytes, reading),
      world,
    });
    this.#none = reading.none;
    this.#words = new Uint32Array(4);
    this.#lastOf = undefined;
    this.#lastAddress = "";
    this.#last = reading.none;
  }

  /** The last answer is remembered: requests of one connection, and several rules, ask for the same. */
  of(address: string): Answer {
    const read = this.#followed.current();
    if (address === this.#lastAddress && read === this.#lastOf) return this.#last;
    this.#lastOf = read;
    this.#lastAddress = address;
    this.#last = this.#find(read, address);
    return this.#last;
  }

  report(): GeoReport {
    const { database } = this.#followed.current();
    const { type, builtMs } = database;
    return { file: this.#file, type, builtMs, problem: this.#followed.problem };
  }

  #find({ database, answers }: Read<Answer>, address: string): Answer {
    const words = parseIp(address, this.#words); // no address is "unix", for one
    return words === undefined ? this.#none : (answers.get(database.find(words)) ?? this.#none);
  }
}

/** Every record is looked at before the file is used: what is broken shows now, and not in a request. */
function readAhead<Answer>(bytes: Buffer, reading: Reading<Answer>): Read<Answer> {
  const database = new Mmdb(bytes);
  const answers = new Map<number, Answer>();
  let isOfUse = false;
  for (const record of database.records()) {
    const answer = reading.read(database, record);
    answers.set(record, answer);
    isOfUse ||= answer !== reading.none;
  }
  if (!isOfUse)
    throw new MmdbError(`has no ${reading.what} in it; it is of the type ${database.type}`);
  return { database, answers };
}

/** What is wrong with such a file; undefined: nothing. For the check of a config. */
export function geoProblem(bytes: Buffer, kind: keyof GeoFiles): string | undefined {
  try {
    if (kind === "country") readAhead(bytes, COUNTRIES);
    else readAhead(bytes, SYSTEMS);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
