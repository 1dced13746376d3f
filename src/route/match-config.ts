export type OneOrMore = string | readonly string[];

/** Name to value: exact, "*" for present, "~…" for a regular expression; a list is any of them. */
export type NamedValues = Readonly<Record<string, OneOrMore>>;

/** What a request has to be like. Everything given must hold; of a list, any one. */
export interface MatchConfig {
  readonly host?: OneOrMore | undefined;
  readonly path?: OneOrMore | undefined;
  readonly method?: OneOrMore | undefined;
  readonly scheme?: OneOrMore | undefined;
  readonly clientIp?: OneOrMore | undefined;
  readonly header?: NamedValues | undefined;
  readonly query?: NamedValues | undefined;
  readonly cookie?: NamedValues | undefined;
  readonly not?: MatchConfig | undefined; // holds if this does not
  readonly country?: OneOrMore | undefined;
  readonly any?: readonly MatchConfig[] | undefined; // holds if one of these does
}

export function listOf(value: OneOrMore): readonly string[] {
  return typeof value === "string" ? [value] : value;
}
