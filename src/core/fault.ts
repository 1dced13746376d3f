/**
 * What can go wrong with an exchange: whose doing it is, what the client is told, and whether
 * another try is safe. Faults are expected, so they are plain values: no Error, no stack.
 * The metrics labels, the access log and docs/faults.md are all generated from this table.
 */
export interface FaultKind {
  readonly side: "downstream" | "proxy" | "upstream";
  readonly status: number;
  /** "always": no byte has gone upstream. "if-replayable": the request can be sent once more. */
  readonly retry: "never" | "if-replayable" | "always";
  readonly about: string; // one line for docs/faults.md
}

// biome-ignore format: a table
export const FAULTS = {
  // The client sent something that we refuse.
  request_malformed:        { side: "downstream", status: 400, retry: "never", about: "The request head does not follow the grammar of RFC 9112, or of RFC 9113." },
  request_framing:          { side: "downstream", status: 400, retry: "never", about: "Content-Length and Transfer-Encoding leave doubt about where the body ends." },
  request_host:             { side: "downstream", status: 400, retry: "never", about: "Host is missing, repeated, malformed, or differs from the authority in the target." },
  request_target:           { side: "downstream", status: 400, retry: "never", about: "The request target is malformed or refused by the path policy." },
  request_connection:       { side: "downstream", status: 400, retry: "never", about: "Connection lists a field that is not hop-by-hop." },
  request_upgrade:          { side: "downstream", status: 400, retry: "never", about: "The WebSocket handshake is malformed, or over HTTP/2 our own answer to it would be a success that is no WebSocket." },
  request_body_malformed:   { side: "downstream", status: 400, retry: "never", about: "The chunked request body does not follow the grammar of RFC 9112." },
  request_truncated:        { side: "downstream", status: 400, retry: "never", about: "The client closed its side before the request was complete." },
  request_coding:           { side: "downstream", status: 501, retry: "never", about: "The transfer coding is not one that we implement." },
  request_method:           { side: "downstream", status: 501, retry: "never", about: "CONNECT, TRACE and the methods of RTSP are not served." },
  request_version:          { side: "downstream", status: 505, retry: "never", about: "The protocol version is neither HTTP/1.0 nor HTTP/1.1." },
  request_expectation:      { side: "downstream", status: 417, retry: "never", about: "Expect holds something other than 100-continue." },
  request_line_too_long:    { side: "downstream", status: 414, retry: "never", about: "The request line is longer than limits.requestLineBytes." },
  request_head_too_large:   { side: "downstream", status: 431, retry: "never", about: "The header section is larger than limits.headerBytes or has more than limits.headerCount fields." },
  request_body_too_large:   { side: "downstream", status: 413, retry: "never", about: "The request body is larger than limits.bodyBytes." },
  request_content_coding:   { side: "downstream", status: 415, retry: "never", about: "The request body is coded in a way, or more often, than decompress takes." },
  request_content_malformed: { side: "downstream", status: 400, retry: "never", about: "The request body does not decompress, or ends too early." },
  request_content_too_large: { side: "downstream", status: 413, retry: "never", about: "The request body becomes larger than decompress.maxBytes, or than maxRatio times what came." },
  request_head_timeout:     { side: "downstream", status: 408, retry: "never", about: "The request head did not arrive within timeouts.requestHead." },
  request_body_timeout:     { side: "downstream", status: 408, retry: "never", about: "The request body stalled for timeouts.requestBody or came slower than the minimum rate." },
  response_write_timeout:   { side: "downstream", status: 499, retry: "never", about: "The client did not take the response within timeouts.write or took it slower than the minimum rate." },
  client_gone:              { side: "downstream", status: 499, retry: "never", about: "The client closed the connection before the response was complete." },
  proxy_header_malformed:   { side: "downstream", status: 400, retry: "never", about: "A trusted peer sent no PROXY header, or one that does not follow its specification." },
  proxy_header_untrusted:   { side: "downstream", status: 400, retry: "never", about: "A peer that is not trusted to do so sent a PROXY header to a stream." },
  client_hello_malformed:   { side: "downstream", status: 400, retry: "never", about: "What came first is no TLS ClientHello, or one that is malformed or larger than 64 KiB." },
  opening_timeout:          { side: "downstream", status: 408, retry: "never", about: "The PROXY header or the ClientHello did not arrive within timeouts.requestHead." },
  handshake_failed:         { side: "downstream", status: 400, retry: "never", about: "The TLS handshake failed: nothing in common, an alert, or bytes that are no TLS." },
  handshake_timeout:        { side: "downstream", status: 408, retry: "never", about: "The TLS handshake was not over within timeouts.handshake." },
  // We answer for a reason of our own.
  no_stream:                { side: "proxy",      status: 421, retry: "never", about: "No stream is configured for the server name of the ClientHello." },
  client_certificate:       { side: "downstream", status: 400, retry: "never", about: "The client's certificate is missing, has expired, was revoked, or is of nobody that the site trusts." },
  misdirected:              { side: "downstream", status: 421, retry: "never", about: "The host asks for another client certificate than the connection's handshake did: it wants a connection of its own." },
  no_certificate:           { side: "proxy",      status: 421, retry: "never", about: "No site has a certificate for the server name of the ClientHello." },
  handshakes_limited:       { side: "proxy",      status: 429, retry: "never", about: "More TLS handshakes began in a second than limits.handshakesPerSecond or handshakesPerClient allow." },
  sessions_full:            { side: "proxy",      status: 503, retry: "never", about: "limits.sessionsMax is reached: a datagram of a new client was dropped." },
  no_site:                  { side: "proxy",      status: 421, retry: "never", about: "No site is configured for this host." },
  no_route:                 { side: "proxy",      status: 404, retry: "never", about: "No route of the site matches." },
  loop_detected:            { side: "proxy",      status: 508, retry: "never", about: "Via shows that this request has been through this proxy before." },
  overloaded:               { side: "proxy",      status: 503, retry: "never", about: "A limit on connections or memory is reached." },
  shutting_down:            { side: "proxy",      status: 503, retry: "never", about: "The drain deadline passed before the exchange was over." },
  route_removed:            { side: "proxy",      status: 503, retry: "never",         about: "A reload took the route away, and timeouts.drain, or drainTunnel of a tunnel, has passed since." },
  bug:                      { side: "proxy",      status: 500, retry: "never", about: "An invariant of the proxy broke; the log has the stack." },
  cache_unreadable:         { side: "proxy",      status: 500, retry: "never", about: "The rest of a response that is stored on disk cannot be read, or is not what was stored: the client was cut." },
  not_cached:               { side: "downstream", status: 504, retry: "never", about: "The client wants a stored response or none (only-if-cached), and there is none that may serve." },
  // Access: who may pass.
  access_denied:            { side: "downstream", status: 403, retry: "never", about: "A rule of deny holds: an address, a country, a time, or what the request is like." },
  access_not_allowed:       { side: "downstream", status: 403, retry: "never", about: "No rule of allow holds." },
  auth_required:            { side: "downstream", status: 401, retry: "never", about: "The route wants to know who asks (auth), and the request does not say." },
  auth_failed:              { side: "downstream", status: 401, retry: "never", about: "The request says who asks in a way that does not hold: a wrong key, password or signature." },
  auth_forbidden:           { side: "downstream", status: 403, retry: "never", about: "It is known who asks, and the rules of auth do not let them pass." },
  auth_limited:             { side: "downstream", status: 429, retry: "never", about: "Too many attempts from this address, or on this name, have failed (auth.guard)." },
  auth_unavailable:         { side: "proxy",      status: 503, retry: "never", about: "What auth has to ask, or to work with, is not there for now: nobody passes." },
  security_unbuilt:         { side: "proxy",      status: 503, retry: "never", about: "A protection of the route cannot be built, as when its file cannot be read: the log of the start or reload says why." },
  cors_refused:             { side: "downstream", status: 403, retry: "never", about: "A preflight asks for an origin, a method or a header that cors does not allow; the log says which." },
  // Limits on who comes too often.
  rate_limited:             { side: "downstream", status: 429, retry: "never", about: "The client has sent more requests than rateLimit allows." },
  maintenance:              { side: "proxy",      status: 503, retry: "never", about: "The site or the route is in maintenance, by the config or by an operator." },
  challenge_required:       { side: "proxy",      status: 403, retry: "never", about: "The client has to solve a challenge first: a browser gets a page that does, everybody else this." },
  banned:                   { side: "downstream", status: 403, retry: "never", about: "The client is kept out for a while, since too much of what came from there was abuse (bans)." },
  // We answer for how much there is of something.
  connections_limited:      { side: "proxy",      status: 429, retry: "never", about: "The client's address has as many connections open as limits.connectionsPerClient allows." },
  in_flight_limited:        { side: "proxy",      status: 429, retry: "never", about: "The client, or the key of inFlight, has as many requests under way as inFlight.max allows." },
  // What a request is like.
  method_not_allowed:       { side: "downstream", status: 405, retry: "never", about: "The method is none of requestFilter.methods; Allow says which are." },
  path_hidden:              { side: "downstream", status: 404, retry: "never", about: "The path is one that requestFilter.hide keeps from everybody." },
  header_required:          { side: "downstream", status: 400, retry: "never", about: "A header of requestFilter.headers.require is missing, or has another value." },
  header_fields_too_large:  { side: "downstream", status: 431, retry: "never", about: "There are more fields, or longer values, than requestFilter.headers allows." },
  query_too_large:          { side: "downstream", status: 414, retry: "never", about: "The query is longer, or has more parameters, than requestFilter.query allows." },
  content_type_refused:     { side: "downstream", status: 415, retry: "never", about: "The body is of no type, or of none of requestFilter.contentTypes." },
  length_required:          { side: "downstream", status: 411, retry: "never", about: "The body does not say its length ahead (requestFilter.lengthRequired)." },
  user_agent_refused:       { side: "downstream", status: 403, retry: "never", about: "The User-Agent is one that requestFilter.userAgents refuses, or there is none." },
  // The upstream failed us.
  no_endpoint:              { side: "upstream",   status: 503, retry: "never",         about: "The upstream has no endpoint that may be used." },
  circuit_open:             { side: "upstream",   status: 503, retry: "never",         about: "The upstream's breaker is open: too many requests failed or were slow, and it is left alone for a while." },
  concurrency_limit:        { side: "upstream",   status: 503, retry: "never",         about: "Every endpoint has as many requests to answer as upstreams.concurrency has learnt that it bears, and nobody waits (queue: off)." },
  queue_full:               { side: "upstream",   status: 503, retry: "never",         about: "Every endpoint is at its maxRequests, or at the limit of upstreams.concurrency, and so many wait already that upstreams.queue.max is reached." },
  queue_timeout:            { side: "upstream",   status: 503, retry: "never",         about: "No endpoint below its maxRequests was found within upstreams.queue.timeout." },
  connect_refused:          { side: "upstream",   status: 502, retry: "always",        about: "The endpoint refused the connection or cannot be reached." },
  connect_timeout:          { side: "upstream",   status: 504, retry: "always",        about: "The connection was not made within timeouts.connect." },
  upstream_tls_failed:      { side: "upstream",   status: 502, retry: "always",        about: "The TLS handshake with the endpoint failed." },
  upstream_tls_untrusted:   { side: "upstream",   status: 502, retry: "always",        about: "The endpoint's certificate is not valid for its name, has expired, or comes from nobody whom upstreams.tls.ca trusts." },
  upstream_tls_timeout:     { side: "upstream",   status: 504, retry: "always",        about: "The TLS handshake with the endpoint was not over within timeouts.connectTls." },
  name_unresolved:          { side: "upstream",   status: 502, retry: "always",        about: "The name of the endpoint could not be resolved." },
  reset_before_head:        { side: "upstream",   status: 502, retry: "if-replayable", about: "The endpoint closed the connection before any byte of the response." },
  upstream_stream_refused:  { side: "upstream",   status: 502, retry: "always",        about: "The endpoint refused the HTTP/2 stream of the request, and has not worked on it." },
  upstream_going_away:      { side: "upstream",   status: 502, retry: "always",        about: "The endpoint was about to close the HTTP/2 connection, and has not worked on the request." },
  upstream_stream_reset:    { side: "upstream",   status: 502, retry: "if-replayable", about: "The endpoint reset the HTTP/2 stream, or its connection broke under several, before the response head." },
  upstream_no_upgrade:      { side: "proxy",      status: 502, retry: "never",         about: "The client asks for a WebSocket, and the endpoint is spoken to in HTTP/2 alone and does not take them there (RFC 8441)." },
  upstream_send_timeout:    { side: "upstream",   status: 504, retry: "if-replayable", about: "The endpoint did not take the request within timeouts.send." },
  response_timeout:         { side: "upstream",   status: 504, retry: "if-replayable", about: "The response head did not arrive within timeouts.responseHead." },
  deadline_exceeded:        { side: "upstream",   status: 504, retry: "never",         about: "The time that the client gave with grpc-timeout is over." },
  response_body_timeout:    { side: "upstream",   status: 504, retry: "never",         about: "The response body stalled for timeouts.responseBody." },
  response_malformed:       { side: "upstream",   status: 502, retry: "if-replayable", about: "The response head does not follow the grammar of RFC 9112." },
  response_framing:         { side: "upstream",   status: 502, retry: "if-replayable", about: "The response leaves doubt about where its body ends." },
  response_head_too_large:  { side: "upstream",   status: 502, retry: "if-replayable", about: "The response head is larger than limits.responseHeaderBytes." },
  response_body_malformed:  { side: "upstream",   status: 502, retry: "never",         about: "The chunked response body does not follow the grammar of RFC 9112." },
  response_truncated:       { side: "upstream",   status: 502, retry: "if-replayable", about: "The endpoint closed the connection in the middle of the response." },
  response_interim:         { side: "upstream",   status: 502, retry: "if-replayable", about: "The endpoint sent more than 8 interim responses." },
  response_upgrade:         { side: "upstream",   status: 502, retry: "if-replayable", about: "The endpoint switched protocols unasked or with a wrong handshake, or answered a WebSocket over HTTP/2 with a success that is none." },
  stream_reset:             { side: "upstream",   status: 502, retry: "never",         about: "The endpoint reset the connection of a stream." },
  stream_idle:              { side: "proxy",      status: 504, retry: "never",         about: "No byte went through a stream for its timeouts.idle." },
  datagram_unanswered:      { side: "upstream",   status: 504, retry: "never",         about: "The endpoint sent fewer datagrams within timeouts.idle than responses says." },
  tunnel_idle:              { side: "proxy",      status: 504, retry: "never",         about: "No byte went through the tunnel for timeouts.tunnelIdle." },
} as const satisfies Record<string, FaultKind>;

export type FaultCode = keyof typeof FAULTS;

export interface Fault {
  readonly code: FaultCode;
  readonly detail: string; // for the log, never for the client
  readonly retryAfterMs?: number; // what the client may be told in Retry-After; absent: nothing
}
