/** What a browser does for a login: keeps cookies by host, follows redirects, sends forms. */
import { type IncomingHttpHeaders, request as send } from "node:http";

export interface Page {
  readonly url: string;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Ask {
  readonly method?: "GET" | "POST";
  readonly form?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

const REDIRECTS_MAX = 20;
const NAVIGATION = { accept: "text/html", "sec-fetch-mode": "navigate", "sec-fetch-site": "none" };

export class Browser {
  readonly cookies = new Map<string, Map<string, string>>(); // by host
  readonly #ports: ReadonlyMap<string, number>; // where hosts are that no name stands for

  constructor(ports: Readonly<Record<string, number>>) {
    this.#ports = new Map(Object.entries(ports));
  }

  /** One request and its answer; `headers` in place of those of a navigation. */
  async ask(url: string, { method = "GET", form, headers = NAVIGATION }: Ask = {}): Promise<Page> {
    const { host, hostname, port, pathname, search } = new URL(url);
    const jar = this.jar(host);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const body = form === undefined ? undefined : new URLSearchParams(form).toString();
    const sent = {
      ...headers,
      host,
      ...(cookie === "" ? {} : { cookie }),
      ...(body === undefined
        ? {}
        : {
            "content-type": "application/x-www-form-urlencoded",
            "content-length": `${body.length}`,
          }),
    };
    return await new Promise((resolve, reject) => {
      const mapped = this.#ports.get(host);
      const asking = send(
        {
          ...{ method, headers: sent, path: pathname + search, agent: false },
          host: mapped === undefined ? hostname : "127.0.0.1",
          port: mapped ?? Number(port),
        },
        (response) => {
          let text = "";
          response.setEncoding("utf8");
          response.on("data", (chunk: string) => (text += chunk));
          response.on("end", () => {
            this.#keep(jar, response.headers["set-cookie"] ?? []);
            resolve({ url, status: response.statusCode!, headers: response.headers, body: text });
          });
        },
      );
      asking.on("error", reject);
      asking.end(body);
    });
  }

  /** Follows redirects to a page, or to the first URL that begins with `until`. */
  async go(url: string, ask: Ask = {}, until?: string): Promise<Page> {
    let page = await this.ask(url, ask);
    for (let count = 0; count < REDIRECTS_MAX; count++) {
      const { location } = page.headers;
      if (page.status < 300 || page.status > 399 || location === undefined) return page;
      const next = new URL(location, page.url).href;
      if (until !== undefined && next.startsWith(until)) return page;
      page = await this.ask(next);
    }
    throw new Error(`more than ${REDIRECTS_MAX} redirects`);
  }

  /** Sends the first form of a page, with these fields filled in. */
  async submit(
    page: Page,
    fields: Readonly<Record<string, string>> = {},
    until?: string,
  ): Promise<Page> {
    const form = /<form[^>]*action="([^"]*)"[^>]*>(.*?)<\/form>/s.exec(page.body);
    if (form === null)
      throw new Error(`there is no form on ${page.url}: ${page.status} ${page.body.slice(0, 300)}`);
    const hidden = [...form[2]!.matchAll(/<input[^>]*type="hidden"[^>]*>/g)].map(([input]) => [
      /name="([^"]*)"/.exec(input)?.[1] ?? "",
      /value="([^"]*)"/.exec(input)?.[1] ?? "",
    ]);
    const action = new URL(form[1]!.replaceAll("&amp;", "&"), page.url).href;
    return await this.go(
      action,
      { method: "POST", form: { ...Object.fromEntries(hidden), ...fields } },
      until,
    );
  }

  jar(host: string): Map<string, string> {
    const jar = this.cookies.get(host) ?? new Map<string, string>();
    this.cookies.set(host, jar);
    return jar;
  }

  #keep(jar: Map<string, string>, lines: readonly string[]): void {
    for (const line of lines) {
      const [pair = "", ...attributes] = line.split(";");
      const equals = pair.indexOf("=");
      const name = pair.slice(0, equals);
      const isGone = attributes.some((each) =>
        /^\s*(?:max-age=0|expires=Thu, 01 Jan 1970)/i.test(each),
      );
      if (isGone) jar.delete(name);
      else jar.set(name, pair.slice(equals + 1));
    }
  }
}
