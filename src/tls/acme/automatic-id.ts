/** What certificates that come by themselves are called among all there are. */
export function automaticId(kind: "auto" | "internal", name: string): string {
  return `${kind} ${name}`;
}
