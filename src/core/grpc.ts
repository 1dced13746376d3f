/**
 * What gRPC asks of a proxy. To HTTP its calls are POSTs that succeed: how a call ended is in
 * grpc-status, in the trailers or, where there is no body, in the head.
 */
import { type GrpcKind, grpcKindOf } from "../protocol/grpc/content-type.ts";
import {
  GRPC,
  type GrpcName,
  grpcMessage,
  grpcOfHttp,
  judgedStatus,
  readGrpcStatus,
} from "../protocol/grpc/status.ts";
import { idOf } from "../protocol/http/header-id.ts";
import { HeaderList } from "../protocol/http/header-list.ts";
import { reasonOf } from "../protocol/http/status.ts";
import type { Exchange, ResponseHead } from "./exchange.ts";
import { FAULTS, type Fault, type FaultCode } from "./fault.ts";
import type { Reply } from "./filter.ts";

const CONTENT_TYPE = idOf("content-type");

/** Where the status that the fault has in HTTP says too little, or would be taken for another thing. */
const BY_FAULT: Readonly<Partial<Record<FaultCode, GrpcName>>> = {
  client_gone: "CANCELLED",
  response_write_timeout: "CANCELLED",
  deadline_exceeded: "DEADLINE_EXCEEDED",
  request_body_timeout: "DEADLINE_EXCEEDED",
  upstream_send_timeout: "DEADLINE_EXCEEDED",
  response_timeout: "DEADLINE_EXCEEDED",
  response_body_timeout: "DEADLINE_EXCEEDED",
  request_head_too_large: "RESOURCE_EXHAUSTED",
  request_line_too_long: "RESOURCE_EXHAUSTED",
  request_body_too_large: "RESOURCE_EXHAUSTED",
  request_coding: "UNIMPLEMENTED",
  request_method: "UNIMPLEMENTED",
  no_site: "UNIMPLEMENTED",
  loop_detected: "INTERNAL",
  bug: "INTERNAL",
  // An endpoint that is there and breaks the rules: another try would meet the same.
  response_malformed: "INTERNAL",
  response_framing: "INTERNAL",
  response_head_too_large: "INTERNAL",
  response_body_malformed: "INTERNAL",
  response_interim: "INTERNAL",
  response_upgrade: "INTERNAL",
};

export function grpcKind({ request }: Exchange): GrpcKind | undefined {
  return request.method === "POST" ? grpcKindOf(request.headers.first(CONTENT_TYPE)) : undefined;
}

function grpcNameOf(code: string, status: number): GrpcName {
  return BY_FAULT[code as FaultCode] ?? grpcOfHttp(status);
}

/** The answer to a call that fails here: a head that is all there is ("Trailers-Only"). */
export function grpcReply(exchange: Exchange, reply: Reply): Reply {
  const kind = grpcKind(exchange);
  if (kind === undefined) return reply;
  const code = exchange.fault?.code ?? "";
  exchange.grpcStatus = GRPC[grpcNameOf(code, reply.status)];
  return {
    status: 200,
    headers: {
      ...reply.headers,
      "content-type": `application/${kind}`,
      "grpc-status": String(exchange.grpcStatus),
      "grpc-message": messageOf(exchange, code === "" ? reasonOf(reply.status) : code),
    },
  };
}

function messageOf({ id }: Exchange, what: string): string {
  return grpcMessage(`${what} (request ${id})`);
}

/**
 * How a response to a call that has begun ends for a fault of ours: its trailers can say so, where
 * nothing was said of a length, and the client need not guess at a reset. undefined: it has to be cut.
 */
export function grpcEnd(exchange: Exchange, fault: Fault): HeaderList | undefined {
  const { response, downstream } = exchange;
  if (response === undefined || !downstream.takesTrailers) return undefined;
  if (fault.code === "client_gone" || fault.code === "response_write_timeout") return undefined;
  if (grpcKindOf(response.headers.first(CONTENT_TYPE)) !== "grpc") return undefined;
  if (response.headers.has("content-length")) return undefined;
  const name = grpcNameOf(fault.code, FAULTS[fault.code].status);
  exchange.grpcStatus = GRPC[name];
  return HeaderList.of({
    "grpc-status": String(GRPC[name]),
    "grpc-message": messageOf(exchange, fault.code),
  });
}

/** How a call is told that it was given up. */
export interface Farewell {
  readonly isHead: boolean; // all that there is of a response; else trailers
  readonly fields: HeaderList;
}

/** Of a call that ends for a fault of ours, from outside of its exchange; undefined: it has to be cut. */
export function grpcFarewell(exchange: Exchange, fault: Fault): Farewell | undefined {
  const { side, status } = FAULTS[fault.code];
  if (side === "downstream") return undefined;
  if (exchange.downstream.isAnswered) {
    const fields = grpcEnd(exchange, fault);
    return fields && { isHead: false, fields };
  }
  const kind = grpcKind(exchange);
  if (kind === undefined) return undefined;
  exchange.grpcStatus = GRPC[grpcNameOf(fault.code, status)];
  const fields = HeaderList.of({
    "content-type": `application/${kind}`,
    "grpc-status": String(exchange.grpcStatus),
    "grpc-message": messageOf(exchange, fault.code),
  });
  return { isHead: true, fields };
}

/** Notes the status for log and metrics, if it is in these fields. */
export function noteGrpcStatus(exchange: Exchange, fields: HeaderList): void {
  const status = grpcKind(exchange) === undefined ? undefined : fields.get("grpc-status");
  if (status !== undefined) exchange.grpcStatus = readGrpcStatus(status);
}

/** By what the attempt is judged that this response is for. */
export function judgedStatusOf(exchange: Exchange, response: ResponseHead): number {
  const isCall = response.status === 200 && grpcKind(exchange) !== undefined;
  return isCall ? judgedStatus(response.headers) : response.status;
}
