import { Pattern } from "../../base/pattern/pattern.ts";

export type TextTest = (text: string) => boolean;

/** A regular expression after "~"; else what `plain` makes of the text. */
function textTest(wanted: string, plain: TextTest): TextTest {
  if (!wanted.startsWith("~")) return plain;
  const pattern = new Pattern(wanted.slice(1));
  return (text) => pattern.test(text);
}

/** Holds for a text that has it somewhere. */
export function bodyTest(wanted: string): TextTest {
  return textTest(wanted, (text) => text.includes(wanted));
}

/** Holds for a value that is it; "*" for any. */
export function headerTest(wanted: string): TextTest {
  return textTest(wanted, wanted === "*" ? () => true : (text) => text === wanted);
}
