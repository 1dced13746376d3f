import type { Clock, Web, WebAnswer, WebQuestion } from "../../src/base/world.ts";

/** What a server in memory says; a rejection is a server that cannot be reached. */
export type SimServer = (question: WebQuestion) => WebAnswer | Promise<WebAnswer>;

/** The web in memory: servers by their hosts, each answer after a while. */
export class SimWeb implements Web {
  readonly servers = new Map<string, SimServer>();
  latencyMs = 20;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async ask(question: WebQuestion): Promise<WebAnswer> {
    await new Promise<void>((resolve) => this.#clock.after(this.latencyMs, resolve));
    const server = this.servers.get(new URL(question.url).host);
    if (server === undefined) throw new Error("connect ECONNREFUSED");
    const answer = await new Promise<WebAnswer>((resolve, reject) => {
      const timer = this.#clock.after(question.timeoutMs - this.latencyMs, () => {
        reject(new Error(`no answer within ${question.timeoutMs / 1000} s`));
      });
      void Promise.resolve()
        .then(() => server(question))
        .then(resolve, reject)
        .finally(() => timer.cancel());
    });
    if (answer.body.length > question.answerBytesMax) throw new Error("the answer is too long");
    return answer;
  }
}
