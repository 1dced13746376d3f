/**
 * Content that is kept and served more than once: it is coded once for all who read it, and not once
 * for each. Who keeps it and who codes it are strangers, and meet here.
 */
import type { Framing } from "../protocol/h1/framing.ts";
import type { Coding } from "../protocol/http/content-coding.ts";
import type { HeaderList } from "../protocol/http/header-list.ts";
import type { BodyStage, Onward } from "./body-stage.ts";

/** Makes one coding of any content. */
export interface ContentCoder {
  readonly coding: Coding;
  /** So much is coded at once, by whole(); 0: nothing is. */
  readonly wholeBytesMax: number;
  whole(body: Buffer): Buffer;
  /** What a body with such a head goes through. */
  stage(onward: Onward, headers: HeaderList): BodyStage;
}

/** What a response is served from; of one exchange, for the respond phase. */
export interface KeptContent {
  /**
   * Serves it in that coding, as long as the framing says. undefined: who asks is to code it for
   * itself. `hasRoom`: the coder may begin now, unless it has begun already for somebody else.
   */
  inCoding(coder: ContentCoder, headers: HeaderList, hasRoom: boolean): Framing | undefined;
}
