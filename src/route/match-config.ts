export type OneOrMore = string | readonly string[];

/** Name to value: exact, "*" for present, "~…" for a regular expression; a list is any of them. */
export type NamedValues = Readonly<Record<string, OneOrMore>>;

/** What a request has to be like. Everything given must hold; of a list, any one. */
export interface MatchConfig {
  readonly host?: OneOrMore;
  readonly path?: OneOrMore;
  readonly method?: OneOrMore;
  readonly scheme?: OneOrMore;
  readonly clientIp?: OneOrMore;
  readonly header?: NamedValues;
  readonly query?: NamedValues;
  readonly cookie?: NamedValues;
  readonly not?: MatchConfig; // holds if this does not
  readonly any?: readonly MatchConfig[]; // holds if one of these does
}

export function listOf(value: OneOrMore): readonly string[] {
  return typeof value === "string" ? [value] : value;
}
