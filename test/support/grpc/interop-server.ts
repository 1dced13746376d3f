import {
  type Metadata,
  Metadata as NewMetadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
} from "@grpc/grpc-js";
import {
  type EchoStatus,
  type Empty,
  type InputRequest,
  type InputResponse,
  METHODS,
  type OutputRequest,
  type OutputResponse,
  payloadOf,
  type SimpleRequest,
  type SimpleResponse,
} from "./interop-service.ts";

const ECHO_INITIAL = "x-grpc-test-echo-initial";
const ECHO_TRAILING = "x-grpc-test-echo-trailing-bin";

export interface InteropServer {
  readonly port: number;
  /** Calls that their client has cancelled. */
  readonly cancelled: readonly string[];
  /** When each call has to be over, as the server was told; Infinity where it was not. */
  readonly deadlines: readonly number[];
  /** From now on every unary call ends with this status. */
  refuse(code: number): void;
  close(): void;
}

/** A server of gRPC's own kind that answers the calls of the interoperability tests. */
export async function startInteropServer(): Promise<InteropServer> {
  const server = new Server();
  const notes: Notes = { cancelled: [], deadlines: [], refusal: 0 };
  const { empty, unary, output, input, duplex } = METHODS;
  server.addService({ empty, unary, output, input, duplex }, handlersOf(notes));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return {
    ...{ port, cancelled: notes.cancelled, deadlines: notes.deadlines },
    refuse: (code) => {
      notes.refusal = code;
    },
    close: () => server.forceShutdown(),
  };
}

interface Notes {
  readonly cancelled: string[];
  readonly deadlines: number[];
  refusal: number;
}

function handlersOf(notes: Notes) {
  const note = (name: string, call: Noted) => {
    notes.deadlines.push(Number(call.getDeadline()));
    call.on("cancelled", () => notes.cancelled.push(name));
    call.on("error", () => {});
    echoInitial(call);
  };
  return {
    empty(call: ServerUnaryCall<Empty, Empty>, done: sendUnaryData<Empty>) {
      note("empty", call);
      done(null, {}, trailingOf(call.metadata));
    },
    unary(
      call: ServerUnaryCall<SimpleRequest, SimpleResponse>,
      done: sendUnaryData<SimpleResponse>,
    ) {
      note("unary", call);
      const { responseStatus, responseSize = 0 } = call.request;
      if (notes.refusal !== 0) done({ code: notes.refusal, details: "busy" });
      else if (isFailure(responseStatus)) done(statusOf(responseStatus, call.metadata));
      else done(null, { payload: payloadOf(responseSize) }, trailingOf(call.metadata));
    },
    output(call: ServerWritableStream<OutputRequest, OutputResponse>) {
      note("output", call);
      for (const { size } of call.request.responseParameters ?? []) {
        call.write({ payload: payloadOf(size) });
      }
      call.end(trailingOf(call.metadata));
    },
    input(
      call: ServerReadableStream<InputRequest, InputResponse>,
      done: sendUnaryData<InputResponse>,
    ) {
      note("input", call);
      let aggregatedPayloadSize = 0;
      call.on("data", ({ payload }: InputRequest) => {
        aggregatedPayloadSize += payload.body.length;
      });
      call.on("end", () => done(null, { aggregatedPayloadSize }, trailingOf(call.metadata)));
    },
    duplex(call: ServerDuplexStream<OutputRequest, OutputResponse>) {
      note("duplex", call);
      call.on("data", ({ responseParameters = [], responseStatus }: OutputRequest) => {
        if (isFailure(responseStatus)) {
          call.emit("error", statusOf(responseStatus, call.metadata));
          return;
        }
        for (const { size } of responseParameters) call.write({ payload: payloadOf(size) });
      });
      call.on("end", () => call.end(trailingOf(call.metadata)));
    },
  };
}

interface Noted {
  readonly metadata: Metadata;
  getDeadline(): Date | number;
  sendMetadata(metadata: Metadata): void;
  on(event: "cancelled" | "error", hear: () => void): unknown;
}

function echoInitial(call: Noted): void {
  const [value] = call.metadata.get(ECHO_INITIAL);
  if (value === undefined) return;
  const answer = new NewMetadata();
  answer.set(ECHO_INITIAL, value);
  call.sendMetadata(answer);
}

function trailingOf(metadata: Metadata): Metadata {
  const trailing = new NewMetadata();
  const [value] = metadata.get(ECHO_TRAILING);
  if (value !== undefined) trailing.set(ECHO_TRAILING, value);
  return trailing;
}

function isFailure(status: EchoStatus | undefined): status is EchoStatus {
  return status !== undefined && (status.code ?? 0) !== 0;
}

function statusOf({ code, message }: EchoStatus, metadata: Metadata) {
  return { code, details: message, message, name: "EchoStatus", metadata: trailingOf(metadata) };
}
