/** What kind of call a request is, by its Content-Type. */
export type GrpcKind = "grpc" | "grpc-web" | "grpc-web-text";

const PREFIX = "application/grpc";
const FORM = /^application\/(grpc|grpc-web|grpc-web-text)(?:[+;\s]|$)/;

/** undefined: it is none, "application/grpcx" for one. */
export function grpcKindOf(contentType: string | undefined): GrpcKind | undefined {
  // Nearly every request ends here.
  if (contentType === undefined || contentType.length < PREFIX.length) return undefined;
  const lower = contentType.toLowerCase();
  return lower.startsWith(PREFIX) ? (FORM.exec(lower)?.[1] as GrpcKind | undefined) : undefined;
}
