import type { Exchange } from "../../core/exchange.ts";
import type { Fault } from "../../core/fault.ts";
import type { ContentCoder, KeptContent } from "../../core/kept-content.ts";
import { CHUNKED, type Framing } from "../../protocol/h1/framing.ts";
import type { HeaderList } from "../../protocol/http/header-list.ts";
import type {
  BodySource,
  CacheStore,
  StoredBody,
  StoredResponse,
} from "../../stores/cache-store.ts";
import { GrowingBody } from "../../stores/growing-body.ts";
import { CodingJob, type JobOwner } from "./coding-job.ts";

/** What an exchange is served from instead of the content as it came. */
export interface ServedCoded {
  readonly source: BodySource;
  readonly bytes: number; // Infinity: not known yet
  readonly isLent: boolean;
  readonly job: CodingJob | undefined; // that it comes from
}

/** The content of one exchange, whether it is stored or on its way there. */
export class ServedContent implements KeptContent {
  readonly #exchange: Exchange;
  readonly #codings: Codings | undefined; // of what is on its way
  readonly #stored: StoredResponse | undefined;
  readonly #works: CodingWorks;
  served: ServedCoded | undefined;

  constructor(exchange: Exchange, works: CodingWorks, from: Codings | StoredResponse) {
    this.#exchange = exchange;
    this.#codings = from instanceof Codings ? from : undefined;
    this.#stored = from instanceof Codings ? undefined : from;
    this.#works = works;
    this.served = undefined;
  }

  inCoding(coder: ContentCoder, headers: HeaderList, hasRoom: boolean): Framing | undefined {
    const kept = this.#stored?.coded(coder.coding);
    if (kept !== undefined) return this.#serve(wholeOf(kept));
    if (this.#exchange.request.method === "HEAD") return undefined;
    const codings = this.#codings ?? this.#works.of(this.#stored!);
    const served = codings.serve(coder, headers, hasRoom);
    return served === undefined ? undefined : this.#serve(served);
  }

  #serve(served: ServedCoded): Framing {
    this.served = served;
    const { bytes } = served;
    return Number.isFinite(bytes) ? { kind: "length", bytes } : CHUNKED;
  }
}

/** All codings under way of what a worker has stored. */
export class CodingWorks {
  readonly store: CacheStore;
  readonly #underWay: WeakMap<StoredResponse, Codings>;

  constructor(store: CacheStore) {
    this.store = store;
    this.#underWay = new WeakMap();
  }

  of(stored: StoredResponse): Codings {
    return this.#underWay.get(stored) ?? new Codings(stored, stored.bodyBytes, this, stored);
  }

  begun(stored: StoredResponse, codings: Codings): void {
    this.#underWay.set(stored, codings);
  }

  over(stored: StoredResponse): void {
    this.#underWay.delete(stored);
  }
}

/** The codings of one content that are being made: of each there is one, whoever asks. */
export class Codings implements JobOwner {
  readonly #works: CodingWorks;
  readonly #source: BodySource;
  readonly #jobs: CodingJob[];
  #stored: StoredResponse | undefined; // once it is
  #isKept: boolean; // it is stored, or may be yet
  sourceEnd: number;
  /** Told when they have read on. */
  onMoved: (() => void) | undefined;

  constructor(source: BodySource, sourceEnd: number, works: CodingWorks, stored?: StoredResponse) {
    this.#works = works;
    this.#source = source;
    this.#jobs = [];
    this.#stored = stored;
    this.#isKept = true;
    this.sourceEnd = sourceEnd;
    this.onMoved = undefined;
  }

  /** Up to where all that are at work have read. */
  get position(): number {
    let position = Number.POSITIVE_INFINITY;
    for (const job of this.#jobs) position = Math.min(position, job.position);
    return position;
  }

  serve(coder: ContentCoder, headers: HeaderList, hasRoom: boolean): ServedCoded | undefined {
    const job = this.#jobs.find(({ coding }) => coding === coder.coding);
    if (job !== undefined) return job.isKept ? followed(job) : undefined;
    if (this.#stored !== undefined && this.sourceEnd <= coder.wholeBytesMax) {
      return this.#codeAtOnce(this.#stored, coder);
    }
    return hasRoom && this.#isKept ? followed(this.#begin(coder, headers)) : undefined;
  }

  // --- of content that is on its way -------------------------------------------------------------

  pump(): void {
    for (const job of [...this.#jobs]) job.pump();
  }

  flush(): void {
    for (const job of this.#jobs) job.flush();
  }

  /** The content is whole; `stored`: it was kept. */
  sourceEnded(length: number, stored: StoredResponse | undefined): void {
    this.sourceEnd = length;
    this.#stored = stored;
    if (stored === undefined) this.giveUp();
    else if (this.#jobs.length > 0) this.#works.begun(stored, this);
    this.pump();
  }

  /** The content will not be stored. */
  giveUp(): void {
    this.#isKept = false;
    for (const job of [...this.#jobs]) job.giveUp();
  }

  cut(fault: Fault): void {
    for (const job of [...this.#jobs]) job.cut(fault);
  }

  // --- jobs --------------------------------------------------------------------------------------

  #begin(coder: ContentCoder, headers: HeaderList): CodingJob {
    const stored = this.#stored;
    const source = stored?.isLent === true ? ownCopy(stored) : this.#source;
    const filling = this.#works.store.begin();
    const job = new CodingJob(source, coder, headers, filling, this);
    this.#jobs.push(job);
    if (stored !== undefined) this.#works.begun(stored, this);
    return job;
  }

  moved(): void {
    this.onMoved?.();
  }

  done(job: CodingJob): void {
    this.#remove(job);
    const stored = this.#stored;
    if (stored !== undefined && job.isKept) {
      this.#works.store.addCoded(stored, job.coding, job.body, job.filling);
    }
  }

  failed(job: CodingJob): void {
    this.#remove(job);
  }

  #remove(job: CodingJob): void {
    const place = this.#jobs.indexOf(job);
    if (place >= 0) this.#jobs.splice(place, 1);
    if (this.#jobs.length === 0 && this.#stored !== undefined) this.#works.over(this.#stored);
  }

  #codeAtOnce(stored: StoredResponse, coder: ContentCoder): ServedCoded {
    const { store } = this.#works;
    const body = new GrowingBody();
    body.append(coder.whole(wholeBody(stored)));
    const kept = store.addCoded(stored, coder.coding, body, store.begin());
    if (kept !== undefined) return wholeOf(kept);
    return { source: body, bytes: body.length, isLent: false, job: undefined };
  }
}

function wholeOf(body: StoredBody): ServedCoded {
  return { source: body, bytes: body.bodyBytes, isLent: body.isLent, job: undefined };
}

function followed(job: CodingJob): ServedCoded {
  return { source: job.body, bytes: Number.POSITIVE_INFINITY, isLent: false, job };
}

function wholeBody(stored: StoredResponse): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < stored.bodyBytes; ) {
    const bytes = stored.at(at)!;
    parts.push(bytes);
    at += bytes.length;
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

/** The slot that it lies in may be another's while it is worked on. */
function ownCopy(stored: StoredResponse): BodySource {
  const body = new GrowingBody();
  body.append(wholeBody(stored));
  return body;
}
