/** A response with a Content-Length, once it is whole: enough for a load that runs all the time. */
export function parseResponse(
  text: string,
): { readonly status: number; readonly closes: boolean } | undefined {
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd === -1) return undefined;
  const head = text.slice(0, headEnd);
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  if (text.length < headEnd + 4 + length) return undefined;
  return { status: Number(head.split(" ")[1]), closes: /^connection: *close/im.test(head) };
}
