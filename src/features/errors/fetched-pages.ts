import { ENDPOINT_HOST, type Exchange, type RequestHead } from "../../core/exchange.ts";
import type { BuildTools } from "../../core/feature.ts";
import { Question, type Told, type Untold } from "../../core/question.ts";
import type { Route } from "../../core/runtime.ts";
import { HeaderList } from "../../protocol/http/header-list.ts";
import { STATUS_IN_PATH } from "./error-options.ts";

/** Where pages come from, and for how long one is good. */
export interface PageOrigin {
  readonly upstream: string;
  readonly path: string; // may have {status}
  readonly timeoutMs: number;
  readonly keepMs: number;
}

/** What an answer of the upstream has left when it is a page of ours. */
export interface FetchedPage {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface PageTools
  extends Pick<BuildTools, "wheel" | "bug" | "isDry" | "routeTo" | "keepForAll"> {
  readonly world: Pick<BuildTools["world"], "clock" | "log">;
}

const PAGE_BYTES_MAX = 256 * 1024;
const PAGES_MAX = 32; // of one upstream and path: 8 MiB at most
const RETRY_MS = 5_000; // after a page could not be had
const STALE_MAX_MS = 3_600_000; // an old page says more than none, for a while
const CLIENT_LEFT_MS = 500; // over the time for an answer, when nobody tells how a question ended

interface Kept {
  page: FetchedPage | undefined;
  gotMs: number;
  nextMs: number; // not asked for again before
}

/** Pages that an upstream has made, kept over reloads; in an outage it is asked once in a while. */
export class FetchedPages {
  readonly #origin: PageOrigin;
  readonly #tools: PageTools;
  readonly #route: Route;
  readonly #kept: Map<string, Kept>; // by path

  constructor(origin: PageOrigin, tools: PageTools) {
    this.#origin = origin;
    this.#tools = tools;
    this.#route = tools.routeTo(origin.upstream);
    this.#kept = tools.keepForAll(
      `error pages of ${origin.upstream} ${origin.path}`,
      () => new Map<string, Kept>(),
    );
  }

  /** The page as it is known. */
  known(status: number): FetchedPage | undefined {
    const kept = this.#kept.get(this.#pathOf(status));
    if (kept?.page === undefined) return undefined;
    return this.#nowMs - kept.gotMs <= STALE_MAX_MS ? kept.page : undefined;
  }

  /** It is time to look for it, and nobody does. */
  isDue(status: number): boolean {
    const kept = this.#kept.get(this.#pathOf(status));
    return kept === undefined || this.#nowMs >= kept.nextMs;
  }

  /** Tells of the page, or of none. It is not called if the client leaves. */
  ask(exchange: Exchange, status: number, told: (page: FetchedPage | undefined) => void): void {
    const { timeoutMs } = this.#origin;
    const path = this.#pathOf(status);
    const kept = this.#keptOf(path);
    kept.nextMs = this.#nowMs + timeoutMs + CLIENT_LEFT_MS;
    const options = {
      ...{ route: this.#route, head: headOf(path), body: undefined, timeoutMs },
      ...{ answerBytesMax: PAGE_BYTES_MAX, isForAll: true },
    };
    Question.ask(exchange, options, this.#tools, (answer) => {
      try {
        this.#take(kept, path, pageOf(answer, status));
        told(this.known(status));
      } catch (error) {
        this.#tools.bug(error, exchange);
        exchange.downstream.cut({ code: "bug", detail: String(error) });
      }
    });
  }

  #take(kept: Kept, path: string, page: FetchedPage | string): void {
    const nowMs = this.#nowMs;
    if (typeof page === "string") {
      kept.nextMs = nowMs + RETRY_MS;
      const { upstream } = this.#origin;
      this.#tools.world.log.warn("an error page cannot be had", { upstream, path, why: page });
      return;
    }
    kept.page = page;
    kept.gotMs = nowMs;
    kept.nextMs = nowMs + this.#origin.keepMs;
  }

  #keptOf(path: string): Kept {
    const before = this.#kept.get(path);
    if (before !== undefined) return before;
    if (this.#kept.size >= PAGES_MAX) this.#kept.delete(this.#kept.keys().next().value!);
    const kept: Kept = { page: undefined, gotMs: 0, nextMs: 0 };
    this.#kept.set(path, kept);
    return kept;
  }

  #pathOf(status: number): string {
    return this.#origin.path.replace(STATUS_IN_PATH, `${status}`);
  }

  get #nowMs(): number {
    return this.#tools.world.clock.nowMs();
  }
}

/** The page, or why there is none. Its upstream may give it with the status that it is about. */
function pageOf(answer: Told | Untold, wanted: number): FetchedPage | string {
  if ("why" in answer) return answer.why;
  const { status, headers, body } = answer;
  if (status !== wanted && status !== 200) return `status ${status}`;
  const type = headers.get("content-type");
  if (type === undefined) return "it has no Content-Type";
  // Asked for as it is; another client may not take what this one would.
  if (/^(?!identity$)./i.test(headers.get("content-encoding") ?? "")) return "it is compressed";
  if (body.length === 0) return "it is empty";
  const language = headers.get("content-language");
  const fields = language === undefined ? {} : { "content-language": language };
  return { headers: { "content-type": type, ...fields }, body };
}

/** Nothing in it is the client's, whose host or address a page may show: others get the same page. */
function headOf(path: string): RequestHead {
  return {
    ...{ method: "GET", scheme: "http", host: "localhost", port: 0, path, query: "" },
    minorVersion: 1,
    targetReceived: path,
    headers: HeaderList.of({ Accept: "*/*", "Accept-Encoding": "identity" }),
    headersReceived: undefined,
    upstreamPath: path,
    upstreamQuery: "",
    upstreamMethod: "",
    upstreamHost: ENDPOINT_HOST,
    pathPrefixes: undefined,
  };
}
