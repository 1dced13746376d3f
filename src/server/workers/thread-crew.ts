import inspector from "node:inspector";
import type { ResourceLimits } from "node:worker_threads";
import type { InheritedSockets } from "../../base/inherited-sockets.ts";
import type { Turns } from "../../base/turns.ts";
import type { Address, Timer, World } from "../../base/world.ts";
import type { Certificates } from "../../core/certificates.ts";
import type { Directory } from "../../core/directory.ts";
import type { PurgeRequest } from "../../core/runtime.ts";
import { MetricBank, type SharedBank } from "../../observe/metric-bank.ts";
import type { Crew, CrewHealth, Descriptor, Leaving, NextConfig, Turnover } from "../crew.ts";
import { type Drained, drainedInAll, type HandOver } from "../emptying.ts";
import type { Engine } from "../engine.ts";
import { addedTraffic, type TrafficByRoute } from "../route-traffic.ts";
import { addedUp } from "../serving.ts";
import { compiledCodeFolder } from "./compiled-code.ts";
import { LOOK_EVERY_MS, Pulse } from "./pulse.ts";
import { invalidateIn, purgeIn } from "./purging.ts";
import { RestartDelay } from "./restart-delay.ts";
import type { SharedMemory } from "./shared-memory.ts";
import { CertificateTelling, Telling } from "./telling.ts";
import { type Death, Thread, type ThreadOwner, WorkerLost } from "./thread.ts";
import { type PostedConfig, type Prepare, posted, type Question } from "./worker-messages.ts";

/** How threads are made; tests break them. */
export interface ThreadMaking {
  readonly entry?: URL;
  readonly resourceLimits?: ResourceLimits;
}

export interface ThreadCrewOptions extends ThreadMaking {
  readonly world: World;
  readonly model: Engine; // compiles each config first, and so makes the memory for it
  readonly memory: SharedMemory;
  readonly directory: Directory; // the machine's, which the model knows already when we hear of it
  readonly certificates: Certificates; // the machine's
  readonly inherited: InheritedSockets; // those of the first threads
  readonly turns: Turns; // a reload and a replacement are never at once
  readonly pseudonym: string;
  readonly isReadableLog: boolean;
  readonly onLine: (line: string) => void;
}

/** The config that every worker serves, and one that is replaced is given. */
interface InForce {
  readonly posted: PostedConfig;
  readonly version: number;
  readonly bound: ReadonlyMap<string, Address>;
  readonly watchdogMs: number;
}

/** What one worker has in place of a thread: a post that is manned anew when its thread is lost. */
interface Post {
  readonly worker: number;
  readonly delay: RestartDelay;
  thread: Thread | undefined; // undefined between two of them
  isServing: boolean; // it has taken its first config
  retry: Timer | undefined;
}

const ANSWER_MS = 60_000; // to compile a hundred thousand routes takes some seconds
type Stopping = Extract<Question, { kind: "stop" | "handOver" }>;

const STOP_GRACE_MS = 5_000; // beyond the deadline, for a worker that does not hear

/**
 * Worker threads that serve one config: all of them take another, or none does. A thread that
 * crashes, runs out of memory or hangs is replaced while the others serve; what it had in
 * flight is lost, and nothing else: its counts in shared memory are taken back.
 */
export class ThreadCrew implements Crew, ThreadOwner {
  readonly #options: ThreadCrewOptions;
  readonly #posts: readonly Post[];
  readonly #pulse: Pulse[];
  readonly #retired: MetricBank; // what lost threads had counted
  readonly #restarts: Map<string, number>;
  readonly #directoryTelling: Telling;
  readonly #certificateTelling: CertificateTelling;
  readonly #looking: { timer: Timer | undefined };
  #inForce: InForce | undefined;
  #lostLogLines: number; // of lost threads
  #isStopping: boolean;

  constructor(options: ThreadCrewOptions) {
    const { workers } = options.memory;
    const memory = Pulse.of(workers);
    this.#options = options;
    this.#pulse = Array.from({ length: workers }, (_, worker) => new Pulse(memory, worker));
    this.#retired = new MetricBank();
    this.#restarts = new Map();
    this.#looking = { timer: undefined };
    const { directory, certificates, memory: shared } = options;
    this.#directoryTelling = new Telling(() =>
      this.#tellAll({ kind: "directory", entries: directory.entries, blocks: shared.blocks }),
    );
    directory.watch(() => this.tellDirectory());
    this.#certificateTelling = new CertificateTelling(certificates, (changes) =>
      this.#tellAll({ kind: "certificates", changes }),
    );
    this.#inForce = undefined;
    this.#lostLogLines = 0;
    this.#isStopping = false;
    // All at once, before the first config is compiled: they load their code meanwhile.
    this.#posts = this.#pulse.map((_, worker) => ({
      worker,
      delay: new RestartDelay(),
      thread: this.#newThread(worker, options.inherited.share(worker, workers)),
      isServing: false,
      retry: undefined,
    }));
    this.#lookSoon();
  }

  get banks(): readonly SharedBank[] {
    const banks = this.#threads.flatMap(({ bank }) => bank ?? []);
    return [this.#retired.share(), ...banks];
  }

  get droppedLogLines(): number {
    return this.#pulse.reduce((sum, each) => sum + each.droppedLogLines, this.#lostLogLines);
  }

  get health(): CrewHealth {
    return {
      wanted: this.#posts.length,
      running: this.#posts.filter(({ isServing }) => isServing).length,
      restarts: this.#restarts,
      loopUtilization: this.#threads.map((thread) => thread.takeUtilization()),
    };
  }

  async prepare(next: NextConfig): Promise<Turnover> {
    const { model, memory } = this.#options;
    this.#certificateTelling.now(); // they are there before the config is
    const draft = model.draft(next.config, next.version);
    const threads = this.#threads;
    try {
      const question = {
        kind: "prepare",
        posted: posted(next.loaded),
        version: next.version,
        blocks: memory.blocks,
        bound: this.#inForce?.bound ?? new Map(),
        entries: this.#options.directory.entries,
      } as const;
      const bound = await this.#prepareAll(threads, question, next);
      return {
        bound,
        commit: () => {
          draft.commit();
          const { listeners, streamListeners } = draft.runtime;
          const all = [...question.bound, ...bound].filter(
            ([key]) => listeners.has(key) || streamListeners.has(key),
          );
          this.#inForce = { ...question, bound: new Map(all), watchdogMs: next.config.watchdogMs };
          return this.#commitAll(threads);
        },
        abort: async () => {
          draft.discard();
          await this.#abortAll(threads);
        },
      };
    } catch (error) {
      draft.discard();
      await this.#abortAll(threads);
      throw error;
    }
  }

  stop(deadlineMs: number, isOwn = false): Promise<Drained> {
    return this.#stopAll({ kind: "stop", deadlineMs, isOwn }, deadlineMs);
  }

  handOver(manner: HandOver): Promise<Drained> {
    const deadlineMs = Math.max(manner.deadlineMs, manner.tunnelMs);
    return this.#stopAll({ kind: "handOver", manner }, deadlineMs);
  }

  async descriptors(): Promise<readonly Descriptor[]> {
    const asked = this.#threads.map((thread) => thread.ask({ kind: "descriptors" }));
    return (await Promise.all(asked)).flat();
  }

  async #stopAll(question: Stopping, deadlineMs: number): Promise<Drained> {
    this.#isStopping = true;
    for (const post of this.#posts) post.retry?.cancel();
    const drained = await Promise.all(
      this.#threads.map((thread) => this.#stopThread(thread, question, deadlineMs)),
    );
    this.#looking.timer?.cancel();
    return drainedInAll(drained);
  }

  hurry(): void {
    this.#tellAll({ kind: "hurry" });
  }

  #tellAll(question: Question): void {
    for (const thread of this.#threads) thread.ask(question).catch(ignore);
  }

  tellDirectory(isNow = false): void {
    this.#directoryTelling.soon();
    if (isNow) this.#directoryTelling.now();
  }

  async inFlight(): Promise<TrafficByRoute> {
    const asked = this.#threads.map((thread) => thread.ask({ kind: "inFlight" }));
    const answers = await Promise.allSettled(asked);
    return addedTraffic(answers.flatMap((each) => (each.status === "fulfilled" ? each.value : [])));
  }

  purge(wanted: PurgeRequest): Promise<number> {
    return purgeIn(this.#threads, wanted);
  }

  invalidated(from: Thread, urls: readonly string[]): void {
    void invalidateIn(
      this.#threads.filter((thread) => thread !== from),
      urls,
    );
  }

  async reopenLogs(): Promise<void> {
    const asked = this.#threads.map((thread) => thread.ask({ kind: "reopenLogs" }));
    for (const each of await Promise.allSettled(asked)) {
      // Who takes the place of a lost thread opens the file anyway.
      if (each.status === "rejected" && !(each.reason instanceof WorkerLost)) throw each.reason;
    }
  }

  line(line: string): void {
    this.#options.onLine(line);
  }

  lost(thread: Thread, death: Death, error: unknown): void {
    const { world, memory } = this.#options;
    const post = this.#posts[thread.worker]!;
    this.#restarts.set(death, (this.#restarts.get(death) ?? 0) + 1);
    this.#takeBack(thread);
    memory.clearLane(thread.worker);
    post.thread = undefined;
    post.isServing = false;
    const delayMs = post.delay.after(world.clock.nowMs() - thread.startedMs);
    world.log.warn("worker lost", {
      worker: thread.worker,
      reason: death,
      requestsLost: thread.requestsActive,
      restartMs: this.#isStopping ? undefined : delayMs,
      error,
    });
    if (this.#isStopping || this.#inForce === undefined) return;
    post.retry = world.clock.after(delayMs, () => void this.#replace(post));
  }

  get #threads(): Thread[] {
    return this.#posts.flatMap(({ thread }) => thread ?? []);
  }

  /** A socket that was inherited is gone with the first thread that had it. */
  #newThread(worker: number, inherited: readonly Descriptor[] = []): Thread {
    const { memory, pseudonym, isReadableLog, world, ...options } = this.#options;
    const pulse = this.#pulse[worker]!;
    pulse.clear(worker);
    const { workers } = memory;
    const birth = {
      worker,
      workers,
      pseudonym,
      isReadableLog,
      inherited,
      pulse: pulse.memory,
      compiledCode: compiledCodeFolder(),
    };
    return new Thread({ ...options, birth, clock: world.clock }, this);
  }

  /** The first one alone where it decides for the others: which port 0 becomes. */
  async #prepareAll(
    threads: readonly Thread[],
    question: Prepare,
    { config }: NextConfig,
  ): Promise<ReadonlyMap<string, Address>> {
    const [first, ...others] = threads;
    if (first === undefined) throw new Error("no worker is running");
    const isAlone = [...config.listeners, ...config.streamListeners].some(
      ({ key, address }) => address.port === 0 && !question.bound.has(key),
    );
    const answers = [this.#inTime(first, first.ask(question))];
    if (isAlone) await answers[0];
    const bound = isAlone ? new Map([...question.bound, ...(await answers[0]!)]) : question.bound;
    answers.push(
      ...others.map((thread) => this.#inTime(thread, thread.ask({ ...question, bound }))),
    );
    // All of them, also if one refuses: nobody must be left in the midst of it.
    const settled = await Promise.allSettled(answers);
    const opened = new Map<string, Address>();
    for (const each of settled) {
      if (each.status === "rejected") throw each.reason;
      for (const [key, address] of each.value) opened.set(key, address);
    }
    return opened;
  }

  /** What everybody waits for has an end, also where a worker's loop turns and nothing comes of it. */
  async #inTime<T>(thread: Thread, answer: Promise<T>): Promise<T> {
    const { clock } = this.#options.world;
    const timer = clock.after(ANSWER_MS, () => thread.kill("hung"));
    try {
      return await answer;
    } finally {
      timer.cancel();
    }
  }

  /** There is no way back: a worker that dies now is given the config by its replacement. */
  async #commitAll(threads: readonly Thread[]): Promise<Leaving> {
    const leaving: Leaving[] = [];
    await Promise.allSettled(
      threads.map(async (thread) => {
        leaving.push(await this.#inTime(thread, thread.ask({ kind: "commit" })));
        this.#posts[thread.worker]!.isServing = true;
      }),
    );
    return addedUp(leaving);
  }

  async #abortAll(threads: readonly Thread[]): Promise<void> {
    await Promise.allSettled(
      threads.map((each) => this.#inTime(each, each.ask({ kind: "abort" }))),
    );
  }

  async #replace(post: Post): Promise<void> {
    const done = await this.#options.turns.take();
    try {
      if (this.#isStopping || this.#inForce === undefined) return;
      const thread = this.#newThread(post.worker);
      post.thread = thread;
      try {
        const { memory, directory } = this.#options;
        const certificates = this.#options.certificates.changesOf();
        const now = { blocks: memory.blocks, entries: directory.entries, certificates };
        const prepare = { kind: "prepare", ...this.#inForce, ...now } as const;
        await this.#inTime(thread, thread.ask(prepare));
        await this.#inTime(thread, thread.ask({ kind: "commit" }));
        post.isServing = true;
        this.#options.world.log.info("worker replaced", { worker: post.worker });
      } catch (error) {
        // Lost while it started: lost() has seen to it. A refusal is no less of a failure.
        if (this.#isStopping) return;
        this.#options.world.log.warn("worker cannot start", { worker: post.worker, error });
        thread.kill("refused");
      }
    } finally {
      done();
    }
  }

  async #stopThread(thread: Thread, question: Stopping, deadlineMs: number): Promise<Drained> {
    const { clock } = this.#options.world;
    let timer: Timer | undefined;
    const late = new Promise<Drained>((resolve) => {
      timer = clock.after(deadlineMs + STOP_GRACE_MS, () => {
        this.#options.world.log.warn("worker does not stop", { worker: thread.worker });
        resolve({ finished: 0, cut: thread.requestsActive });
      });
    });
    const stopped = thread.ask(question).catch(() => ({ finished: 0, cut: thread.requestsActive }));
    const drained = await Promise.race([stopped, late]);
    timer?.cancel();
    await thread.end();
    return drained;
  }

  #takeBack({ bank, worker }: Thread): void {
    if (bank !== undefined) this.#retired.add(bank, false);
    this.#lostLogLines += this.#pulse[worker]!.droppedLogLines;
    this.#pulse[worker]!.clear(worker);
  }

  #lookSoon(): void {
    this.#looking.timer = this.#options.world.clock.after(LOOK_EVERY_MS, () => {
      this.#look();
      this.#lookSoon();
    });
  }

  #look(): void {
    // Who debugs a worker stops it for as long as it takes.
    if (this.#inForce === undefined || inspector.url() !== undefined) return;
    for (const thread of this.#threads) {
      const { beats } = this.#pulse[thread.worker]!;
      if (thread.watch.isStill(beats, this.#inForce.watchdogMs)) thread.kill("hung");
    }
  }
}

function ignore(): void {}
