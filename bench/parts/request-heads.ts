/** With the Host that wrk adds, two fields: what a health check or a script sends. */
export const BARE_HEAD: readonly string[] = ["accept: */*"];

/** With Host, twelve fields and the lengths that a browser sends. */
export const BROWSER_HEAD: readonly string[] = [
  "user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
  "accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
  "accept-language: en-GB,en;q=0.9,de;q=0.8",
  "accept-encoding: gzip, deflate, br, zstd",
  "cache-control: max-age=0",
  "cookie: session=8f14e45fceea167a5a36dedd4bea2543; theme=dark; consent=1",
  "referer: https://shop.example.com/products?page=2",
  "sec-fetch-dest: document",
  "sec-fetch-mode: navigate",
  "sec-fetch-site: same-origin",
  "upgrade-insecure-requests: 1",
];

/** With Host, forty fields: an API behind two gateways that each left their mark. */
export const LONG_HEAD: readonly string[] = [
  ...BROWSER_HEAD,
  ...Array.from(
    { length: 28 },
    (_, index) => `x-app-field-${index}: value-${index}-of-some-length`,
  ),
];

/** A client that takes nothing but gzip, so that all are asked for the same. */
export const GZIP_HEAD: readonly string[] = ["accept: */*", "accept-encoding: gzip"];

export const CLOSING_HEAD: readonly string[] = [...BROWSER_HEAD, "connection: close"];
