/**
 * What a scripted origin does for one request, written as the bytes it sends with marks in between:
 *
 *     HTTP/1.1 200 OK\r\n…   sent as it stands (latin1)
 *     <at head>              first: act once the request's head is there; else once all of it is
 *     <at connect>           first: act when the connection is made
 *     <body>                 wait until the whole request has arrived
 *     <wait 50ms>            wait
 *     <hang up>              close (FIN)        <half close>  FIN, go on reading
 *     <reset>                close (RST)        <stall>       do nothing more, stay open
 *     <deaf>                 stop reading       <raw>         no HTTP from here on; keep the bytes
 */
export type Step =
  | { readonly kind: "bytes"; readonly bytes: Buffer }
  | { readonly kind: "wait"; readonly waitMs: number }
  | { readonly kind: Mark };

const MARKS = ["body", "hang up", "half close", "reset", "stall", "deaf", "raw"] as const;
type Mark = (typeof MARKS)[number];

export interface Script {
  readonly start: "connect" | "head" | "end";
  readonly steps: readonly Step[];
}

const MARK = /<(at head|at connect|body|wait [0-9]+ms|hang up|half close|reset|stall|deaf|raw)>/;

export function parseScript(text: string): Script {
  const parts = text.split(new RegExp(MARK, "g"));
  const steps: Step[] = [];
  let start: Script["start"] = "end";
  // A split by a pattern with one group: the odd ones are the marks.
  for (const [index, part] of parts.entries()) {
    if (index % 2 === 0) {
      if (part !== "") steps.push({ kind: "bytes", bytes: Buffer.from(part, "latin1") });
    } else if (part === "at head" || part === "at connect") {
      if (steps.length > 0) throw new Error(`<${part}> must come first`);
      start = part === "at head" ? "head" : "connect";
    } else {
      steps.push(stepOf(part));
    }
  }
  return { start, steps };
}

function stepOf(mark: string): Step {
  const wait = /^wait ([0-9]+)ms$/.exec(mark);
  if (wait !== null) return { kind: "wait", waitMs: Number(wait[1]) };
  return { kind: MARKS.find((each) => each === mark)! };
}
