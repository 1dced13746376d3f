/** A server of gRPC's own kind that says how it is (grpc.health.v1). */
import { join } from "node:path";
import {
  type Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import { loadSync, type ServiceDefinition } from "@grpc/proto-loader";

type Serving = "UNKNOWN" | "SERVING" | "NOT_SERVING";

export interface HealthServer {
  readonly port: number;
  readonly asked: readonly string[]; // for which service
  readonly metadata: readonly Metadata[]; // that came with each
  /** By service; one that is not there is NOT_FOUND. */
  readonly services: Map<string, Serving>;
  close(): void;
}

const FILE = join(import.meta.dirname, "health.proto");

interface Asked {
  readonly service: string;
}

/** `isHealthServed`: else it is a server that knows nothing of health. */
export async function startHealthServer(isHealthServed = true): Promise<HealthServer> {
  const server = new Server();
  const services = new Map<string, Serving>([["", "SERVING"]]);
  const asked: string[] = [];
  const metadata: Metadata[] = [];
  const check = (
    call: ServerUnaryCall<Asked, unknown>,
    answer: sendUnaryData<{ status: string }>,
  ) => {
    const { service } = call.request;
    asked.push(service);
    metadata.push(call.metadata);
    const found = services.get(service);
    if (found === undefined) answer({ code: status.NOT_FOUND, details: "no such service" });
    else answer(null, { status: found });
  };
  if (isHealthServed) {
    const definitions = loadSync(FILE, { defaults: true, enums: String });
    server.addService(definitions["grpc.health.v1.Health"] as ServiceDefinition, { Check: check });
  }
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { ...{ port, asked, metadata, services }, close: () => server.forceShutdown() };
}
