/** The services of interop.proto as values: their messages, and who calls them. */
import { join } from "node:path";
import { Client, credentials, type MethodDefinition } from "@grpc/grpc-js";
import { loadSync, type ServiceDefinition } from "@grpc/proto-loader";

export interface Payload {
  readonly type?: number;
  readonly body: Buffer;
}

export interface EchoStatus {
  readonly code: number;
  readonly message: string;
}

export interface SimpleRequest {
  readonly responseSize?: number;
  readonly payload?: Payload;
  readonly responseStatus?: EchoStatus;
}

export interface SimpleResponse {
  readonly payload?: Payload;
}

export interface InputRequest {
  readonly payload: Payload;
}

export interface InputResponse {
  readonly aggregatedPayloadSize: number;
}

export interface OutputRequest {
  readonly responseParameters?: readonly { readonly size: number; readonly intervalUs?: number }[];
  readonly payload?: Payload;
  readonly responseStatus?: EchoStatus;
}

export interface OutputResponse {
  readonly payload: Payload;
}

export type Empty = Record<string, never>;

const FILE = join(import.meta.dirname, "interop.proto");
const definitions = loadSync(FILE, { defaults: false });

export const TEST_SERVICE = definitions["grpc.testing.TestService"] as ServiceDefinition;
export const OTHER_SERVICE = definitions["grpc.testing.UnimplementedService"] as ServiceDefinition;

type Method<Asked, Told> = MethodDefinition<Asked, Told>;

function method<Asked, Told>(service: ServiceDefinition, name: string): Method<Asked, Told> {
  return service[name] as unknown as Method<Asked, Told>; // as interop.proto has it
}

export const METHODS = {
  empty: method<Empty, Empty>(TEST_SERVICE, "EmptyCall"),
  unary: method<SimpleRequest, SimpleResponse>(TEST_SERVICE, "UnaryCall"),
  output: method<OutputRequest, OutputResponse>(TEST_SERVICE, "StreamingOutputCall"),
  input: method<InputRequest, InputResponse>(TEST_SERVICE, "StreamingInputCall"),
  duplex: method<OutputRequest, OutputResponse>(TEST_SERVICE, "FullDuplexCall"),
  unimplemented: method<Empty, Empty>(TEST_SERVICE, "UnimplementedCall"),
  otherService: method<Empty, Empty>(OTHER_SERVICE, "UnimplementedCall"),
};

export function payloadOf(bytes: number): Payload {
  return { body: Buffer.alloc(bytes) };
}

/** Calls go over one connection of its own. */
export function connectTo(port: number): Client {
  return new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_http_proxy": 0,
    "grpc.enable_retries": 0, // a failure is one
  });
}
