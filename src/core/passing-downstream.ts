import type { Framing } from "../protocol/h1/framing.ts";
import type { HeaderList } from "../protocol/http/header-list.ts";
import type {
  Downstream,
  OwnConnections,
  ServingSide,
  SwitchedWire,
  TunnelEnd,
} from "./downstream.ts";
import type { ResponseHead } from "./exchange.ts";
import type { Fault } from "./fault.ts";

/**
 * The client's side of an exchange with something put before it: to who serves it is the Downstream,
 * and to the one behind it is who serves. It passes everything on; who extends it changes a part.
 */
export abstract class PassingDownstream implements Downstream, ServingSide {
  protected readonly behind: Downstream;
  protected side: ServingSide | undefined;

  constructor(behind: Downstream) {
    this.behind = behind;
    this.side = undefined;
    behind.attach(this);
  }

  // --- towards who serves ------------------------------------------------------------------------

  get requestFraming(): Framing {
    return this.behind.requestFraming;
  }

  get expectsContinue(): boolean {
    return this.behind.expectsContinue;
  }

  get websocketKey(): string | undefined {
    return this.behind.websocketKey;
  }

  get takesTrailers(): boolean {
    return this.behind.takesTrailers;
  }

  get isAnswered(): boolean {
    return this.behind.isAnswered;
  }

  get holdsBytes(): boolean {
    return this.behind.holdsBytes;
  }

  get copiesUpTo(): number {
    return this.behind.copiesUpTo;
  }

  get own(): OwnConnections | undefined {
    return this.behind.own;
  }

  get localAddress(): string | undefined {
    return this.behind.localAddress;
  }

  attach(side: ServingSide): void {
    this.side = side;
  }

  pauseBody(): void {
    this.behind.pauseBody();
  }

  resumeBody(): void {
    this.behind.resumeBody();
  }

  interim(status: number, headers: HeaderList | undefined): void {
    this.behind.interim(status, headers);
  }

  respond(response: ResponseHead, framing: Framing): void {
    this.behind.respond(response, framing);
  }

  write(bytes: Buffer): boolean {
    return this.behind.write(bytes);
  }

  flush(): void {
    this.behind.flush();
  }

  end(trailers: HeaderList | undefined): void {
    this.behind.end(trailers);
  }

  cut(fault: Fault): void {
    this.behind.cut(fault);
  }

  switchProtocols(response: ResponseHead, end: TunnelEnd): SwitchedWire {
    return this.behind.switchProtocols(response, end);
  }

  // --- towards the client ------------------------------------------------------------------------

  get holdsRequest(): boolean {
    return this.side === undefined || this.side.holdsRequest;
  }

  bodyBytes(bytes: Buffer): void {
    this.side?.bodyBytes(bytes);
  }

  bodyEnd(trailers: HeaderList | undefined): void {
    this.side?.bodyEnd(trailers);
  }

  bodyReadOver(): void {
    this.side?.bodyReadOver();
  }

  pause(): void {
    this.side?.pause();
  }

  resume(): void {
    this.side?.resume();
  }

  clientGone(fault: Fault): void {
    this.side?.clientGone(fault);
  }
}
