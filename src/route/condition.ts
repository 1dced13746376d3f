import type { RequestHead } from "../core/exchange.ts";
import type { RouteRecorder } from "../core/runtime.ts";
import type { PathPattern } from "./path-pattern.ts";

/** One thing that a match asks of a request. */
export interface Condition {
  isMet(request: RequestHead, clientAddress: string): boolean;
  /** Asks isMet of itself and of its parts, so that what is told is what is done. */
  explain(
    request: RequestHead,
    clientAddress: string,
    recorder: RouteRecorder,
    at: string,
  ): boolean;
  /** The path pattern that took part in meeting it. */
  pathPattern(request: RequestHead, clientAddress: string): PathPattern | undefined;
  /** The patterns of which the path must match one; undefined if it need not match any. */
  readonly paths: readonly PathPattern[] | undefined;
}

/** A condition on one value of the request. */
export class ValueCondition implements Condition {
  readonly paths: undefined;
  readonly #name: string;
  readonly #wanted: string;
  readonly #test: (request: RequestHead, clientAddress: string) => boolean;
  readonly #actual: (request: RequestHead, clientAddress: string) => string;

  constructor(
    name: string,
    wanted: string,
    test: (request: RequestHead, clientAddress: string) => boolean,
    actual: (request: RequestHead, clientAddress: string) => string,
  ) {
    this.paths = undefined;
    this.#name = name;
    this.#wanted = wanted;
    this.#test = test;
    this.#actual = actual;
  }

  isMet(request: RequestHead, clientAddress: string): boolean {
    return this.#test(request, clientAddress);
  }

  explain(
    request: RequestHead,
    clientAddress: string,
    recorder: RouteRecorder,
    at: string,
  ): boolean {
    const isMet = this.#test(request, clientAddress);
    recorder.condition(at + this.#name, this.#wanted, this.#actual(request, clientAddress), isMet);
    return isMet;
  }

  pathPattern(): undefined {
    return undefined;
  }
}

/** One path, which is what most routes ask for: as few steps to it as can be. */
export class PathCondition implements Condition {
  readonly #path: PathPattern;

  constructor(path: PathPattern) {
    this.#path = path;
  }

  get paths(): readonly PathPattern[] {
    return [this.#path];
  }

  isMet(request: RequestHead): boolean {
    return this.#path.matches(request.path);
  }

  explain(request: RequestHead, _client: string, recorder: RouteRecorder, at: string): boolean {
    const isMet = this.isMet(request);
    recorder.condition(`${at}path`, this.#path.source, request.path, isMet);
    return isMet;
  }

  pathPattern(request: RequestHead): PathPattern | undefined {
    return this.isMet(request) ? this.#path : undefined;
  }
}

/** One of several paths. */
export class PathsCondition implements Condition {
  readonly paths: readonly PathPattern[];

  constructor(paths: readonly PathPattern[]) {
    this.paths = paths;
  }

  isMet(request: RequestHead): boolean {
    return this.pathPattern(request) !== undefined;
  }

  explain(request: RequestHead, _client: string, recorder: RouteRecorder, at: string): boolean {
    const isMet = this.isMet(request);
    const wanted = this.paths.map((path) => path.source).join(" | ");
    recorder.condition(`${at}path`, wanted, request.path, isMet);
    return isMet;
  }

  pathPattern(request: RequestHead): PathPattern | undefined {
    const { paths } = this;
    for (let index = 0; index < paths.length; index++) {
      if (paths[index]!.matches(request.path)) return paths[index];
    }
    return undefined;
  }
}

/** All of them. */
export class AllConditions implements Condition {
  readonly conditions: readonly Condition[];

  constructor(conditions: readonly Condition[]) {
    this.conditions = conditions;
  }

  get paths(): readonly PathPattern[] | undefined {
    return this.conditions.find((condition) => condition.paths !== undefined)?.paths;
  }

  isMet(request: RequestHead, clientAddress: string): boolean {
    const { conditions } = this;
    for (let index = 0; index < conditions.length; index++) {
      if (!conditions[index]!.isMet(request, clientAddress)) return false;
    }
    return true;
  }

  /** Tells of every part, also after one that is not met: the user wants to see them all. */
  explain(
    request: RequestHead,
    clientAddress: string,
    recorder: RouteRecorder,
    at: string,
  ): boolean {
    let isMet = true;
    for (const condition of this.conditions) {
      if (!condition.explain(request, clientAddress, recorder, at)) isMet = false;
    }
    return isMet;
  }

  pathPattern(request: RequestHead, clientAddress: string): PathPattern | undefined {
    for (const condition of this.conditions) {
      const found = condition.pathPattern(request, clientAddress);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

export class NotCondition implements Condition {
  readonly paths: undefined;
  readonly #inner: Condition;

  constructor(inner: Condition) {
    this.paths = undefined;
    this.#inner = inner;
  }

  isMet(request: RequestHead, clientAddress: string): boolean {
    return !this.#inner.isMet(request, clientAddress);
  }

  explain(
    request: RequestHead,
    clientAddress: string,
    recorder: RouteRecorder,
    at: string,
  ): boolean {
    const isMet = !this.#inner.explain(request, clientAddress, recorder, `${at}not.`);
    recorder.condition(`${at}not`, "not all of the above", isMet ? "not all" : "all", isMet);
    return isMet;
  }

  pathPattern(): undefined {
    return undefined; // what did not match has taken nothing
  }
}

export class AnyCondition implements Condition {
  readonly paths: readonly PathPattern[] | undefined;
  readonly #choices: readonly Condition[];

  constructor(choices: readonly Condition[]) {
    this.#choices = choices;
    const all = choices.map((choice) => choice.paths);
    this.paths = all.every((paths) => paths !== undefined) ? all.flat() : undefined;
  }

  isMet(request: RequestHead, clientAddress: string): boolean {
    const choices = this.#choices;
    for (let index = 0; index < choices.length; index++) {
      if (choices[index]!.isMet(request, clientAddress)) return true;
    }
    return false;
  }

  explain(
    request: RequestHead,
    clientAddress: string,
    recorder: RouteRecorder,
    at: string,
  ): boolean {
    let metCount = 0;
    for (const [index, choice] of this.#choices.entries()) {
      if (choice.explain(request, clientAddress, recorder, `${at}any[${index}].`)) metCount++;
    }
    const isMet = metCount > 0;
    recorder.condition(`${at}any`, "one of the above", isMet ? `${metCount}` : "none", isMet);
    return isMet;
  }

  pathPattern(request: RequestHead, clientAddress: string): PathPattern | undefined {
    const met = this.#choices.find((choice) => choice.isMet(request, clientAddress));
    return met?.pathPattern(request, clientAddress);
  }
}
