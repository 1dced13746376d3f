import { stageRequest, stageResponse } from "../../core/body-stage.ts";
import type { Exchange } from "../../core/exchange.ts";
import type { Feature } from "../../core/feature.ts";
import { wanted, z } from "../../core/fields.ts";
import type { Filter } from "../../core/filter.ts";
import { PassingDownstream } from "../../core/passing-downstream.ts";
import { grpcKindOf } from "../../protocol/grpc/content-type.ts";
import { idOf } from "../../protocol/http/header-id.ts";
import { GrpcWebRequest } from "./request-stage.ts";
import { GrpcWebResponse } from "./response-stage.ts";

const CONTENT_TYPE = idOf("content-type");
const ACCEPT = idOf("accept");

/** The trailers of the response are for the bridge, whatever the client takes. */
class TakesTrailers extends PassingDownstream {
  override get takesTrailers(): boolean {
    return true;
  }
}

/** Lets browsers call services of gRPC: they speak gRPC-Web, and endpoints gRPC. */
export const grpcWeb: Feature<true, Filter> = {
  name: "grpcWeb",
  kind: "filter",
  about: "Takes calls of gRPC-Web, as browsers make them, and sends them on as gRPC.",
  schema: z
    .literal(true, { error: wanted('true, or "off"') })
    .describe(
      "Content-Type application/grpc-web and application/grpc-web-text, over HTTP/1 or HTTP/2.",
    ),

  build() {
    const bridged = new WeakMap<Exchange, "binary" | "text">(); // by the form of the response
    return {
      name: "grpcWeb",
      rewrite(exchange) {
        const form = bridge(exchange);
        if (form !== undefined) bridged.set(exchange, form);
        return undefined;
      },
      respond(exchange) {
        const form = bridged.get(exchange);
        if (form !== undefined) answerInWeb(exchange, form === "text");
        return undefined;
      },
    };
  },
};

/** Makes a call of gRPC of one of gRPC-Web; answers with the form in which the client wants to hear. */
function bridge(exchange: Exchange): "binary" | "text" | undefined {
  const { headers, method } = exchange.request;
  const type = headers.first(CONTENT_TYPE);
  const kind = method === "POST" ? grpcKindOf(type) : undefined;
  if (kind === undefined || kind === "grpc") return undefined;
  const isText = kind === "grpc-web-text";
  headers.set("content-type", typeAs(type!, "application/grpc"));
  const accept = headers.first(ACCEPT);
  headers.delete("accept"); // of the bridge's own answer
  headers.delete("x-grpc-web");
  exchange.downstream = new TakesTrailers(exchange.downstream);
  stageRequest(exchange, (onward) => new GrpcWebRequest(onward, isText));
  return wantsText(accept, isText) ? "text" : "binary";
}

/** Who accepts one of the two says which; others get what they sent. */
function wantsText(accept: string | undefined, isText: boolean): boolean {
  const lower = accept?.toLowerCase() ?? "";
  if (!lower.includes("application/grpc-web")) return isText;
  return lower.includes("application/grpc-web-text");
}

function answerInWeb(exchange: Exchange, isText: boolean): void {
  const { headers } = exchange.response!;
  const type = headers.first(CONTENT_TYPE);
  if (grpcKindOf(type) !== "grpc") return; // an answer of HTTP, which is the client's as it is
  headers.set("content-type", typeAs(type!, webType(isText)));
  // With a status in the head there are no trailers, and nothing that they would be put behind.
  if (headers.has("grpc-status")) return;
  stageResponse(exchange, (onward) => new GrpcWebResponse(onward, isText));
}

function webType(isText: boolean): string {
  return isText ? "application/grpc-web-text" : "application/grpc-web";
}

/** The type, with what follows it: "+proto", and parameters. */
function typeAs(received: string, type: string): string {
  return type + received.replace(/^[a-z/-]+/i, "");
}
