import type { HeaderList } from "../http/header-list.ts";

const TAG_FIELDS = ["surrogate-key", "cache-tag"] as const;
const TAGS_MAX = 256; // of one response

/** By which names a response can be purged: parted by spaces in one of the fields, by commas in the other. */
export function tagsOf(headers: HeaderList): readonly string[] {
  const values = TAG_FIELDS.flatMap((name) => headers.all(name));
  if (values.length === 0) return values;
  const tags = values.join(",").split(/[\s,]+/, TAGS_MAX);
  return tags.filter((tag) => tag !== "");
}
