/** Every metric there is. The exposition, its docs and the cells behind it follow from this table. */
export interface MetricRow {
  readonly name: string; // without the _total, _bucket … that the exposition adds
  readonly type: "counter" | "gauge" | "histogram";
  readonly unit: "seconds" | "bytes" | "ratio" | "";
  readonly labels: readonly string[];
  readonly help: string;
}

// biome-ignore format: a table
export const METRICS = {
  requests:            { name: "sluice_requests",                 type: "counter",   unit: "",        labels: ["site", "route", "method", "status_class"], help: "Exchanges that have ended. status_class is none if no response was sent." },
  requestSeconds:      { name: "sluice_request_duration_seconds", type: "histogram", unit: "seconds", labels: ["site", "route"], help: "From the first byte of the request head to the last byte of the response. Tunnels (status 101) are left out." },
  requestBytes:        { name: "sluice_request_body_bytes",       type: "counter",   unit: "bytes",   labels: ["site", "route"], help: "Request body bytes received, framing not counted." },
  responseBytes:       { name: "sluice_response_body_bytes",      type: "counter",   unit: "bytes",   labels: ["site", "route"], help: "Response body bytes sent, framing not counted." },
  requestsActive:      { name: "sluice_requests_active",          type: "gauge",     unit: "",        labels: [], help: "Exchanges that have begun and not ended." },
  faults:              { name: "sluice_faults",                   type: "counter",   unit: "",        labels: ["site", "route", "side", "code"], help: "Exchanges that ended in a fault, by whose doing it was and reason code (docs/faults.md)." },
  warned:              { name: "sluice_warned",                   type: "counter",   unit: "",        labels: ["site", "route", "code"], help: "Exchanges that a filter in mode warn let pass, by the reason code it would have refused them for." },
  grpcCalls:           { name: "sluice_grpc_calls",               type: "counter",   unit: "",        labels: ["site", "route", "status"], help: "Calls of gRPC that have ended, by the status that the client was told (OK, UNAVAILABLE …)." },
  upstreamRequests:    { name: "sluice_upstream_requests",        type: "counter",   unit: "",        labels: ["upstream", "endpoint", "status_class"], help: "Exchanges by the endpoint that was asked last. status_class is what the client got." },
  upstreamSeconds:     { name: "sluice_upstream_response_seconds", type: "histogram", unit: "seconds", labels: ["upstream", "endpoint"], help: "From a connection ready for the request to the end of the response head." },
  upstreamFaults:      { name: "sluice_upstream_faults",          type: "counter",   unit: "",        labels: ["upstream", "endpoint", "code"], help: "Attempts that failed, those that were tried again included." },
  upstreamRetries:     { name: "sluice_upstream_retries",         type: "counter",   unit: "",        labels: ["upstream"], help: "Attempts after the first of an exchange." },
  upstreamActive:      { name: "sluice_upstream_requests_active", type: "gauge",     unit: "",        labels: ["upstream", "endpoint"], help: "Requests in flight on an endpoint." },
  endpointHealth:      { name: "sluice_endpoint_health",          type: "gauge",     unit: "",        labels: ["upstream", "endpoint", "state"], help: "1 for the state that the endpoint is in (unknown, up, down, draining, ejected, unresolved), 0 for the others." },
  ejections:           { name: "sluice_upstream_ejections",       type: "counter",   unit: "",        labels: ["upstream", "endpoint"], help: "How often passive health took an endpoint out of use." },
  checks:              { name: "sluice_health_checks",            type: "counter",   unit: "",        labels: ["upstream", "endpoint", "result"], help: "Active checks by what they found (passed, failed)." },
  circuitState:        { name: "sluice_circuit_state",            type: "gauge",     unit: "",        labels: ["upstream", "state"], help: "1 for the state that the upstream's breaker is in (closed, open, half-open), 0 for the others." },
  circuitOpens:        { name: "sluice_circuit_opens",            type: "counter",   unit: "",        labels: ["upstream"], help: "How often the upstream's breaker opened." },
  upstreamWaiting:     { name: "sluice_upstream_requests_waiting", type: "gauge",    unit: "",        labels: ["upstream", "for"], help: "Requests that wait for a place on an endpoint (place: all are at their maxRequests) or for an endpoint at all (endpoint: parked)." },
  concurrencyLimit:    { name: "sluice_concurrency_limit",        type: "gauge",     unit: "",        labels: ["upstream", "endpoint"], help: "How many requests the endpoint may have that it has not answered yet (upstreams.concurrency)." },
  concurrencyUnanswered: { name: "sluice_concurrency_unanswered", type: "gauge",     unit: "",        labels: ["upstream", "endpoint"], help: "How many it has now." },
  concurrencyBase:     { name: "sluice_concurrency_base_seconds", type: "gauge",     unit: "seconds", labels: ["upstream", "endpoint"], help: "What an answer of the endpoint takes when no request waits for others, as far as is known; 0: not yet." },
  upstreamPanic:       { name: "sluice_upstream_panic",           type: "gauge",     unit: "",        labels: ["upstream"], help: "1 while so few endpoints can be used that all are (panic), else 0." },
  mirrored:            { name: "sluice_mirrored_requests",        type: "counter",   unit: "",        labels: ["upstream", "result"], help: "Copies of requests sent to an upstream by mirror: answered, failed, or dropped before they were sent." },
  cacheRequests:       { name: "sluice_cache_requests",           type: "counter",   unit: "",        labels: ["site", "route", "result"], help: "Exchanges on routes with a cache, by what it had to do with them: hit, stale, revalidated, miss, coalesced, bypass." },
  cacheBytes:          { name: "sluice_cache_response_body_bytes", type: "counter",  unit: "bytes",   labels: ["site", "route"], help: "Response body bytes that came from stored responses." },
  cacheStoredBytes:    { name: "sluice_cache_stored_bytes",       type: "gauge",     unit: "bytes",   labels: [], help: "Memory that stored responses take, and those on their way into the store." },
  cacheStoredObjects:  { name: "sluice_cache_stored_objects",     type: "gauge",     unit: "",        labels: [], help: "Stored responses; one that several workers have counts for each." },
  cacheEvictions:      { name: "sluice_cache_evictions",          type: "counter",   unit: "",        labels: [], help: "Stored responses that had to make room for others." },
  cacheDiskBytes:      { name: "sluice_cache_disk_bytes",         type: "gauge",     unit: "bytes",   labels: [], help: "Bytes of the cache's files on disk." },
  cacheDiskObjects:    { name: "sluice_cache_disk_objects",       type: "gauge",     unit: "",        labels: [], help: "Responses stored on disk that can be found." },
  cacheDiskReads:      { name: "sluice_cache_disk_reads",         type: "counter",   unit: "",        labels: [], help: "Responses that were not in memory and came from disk." },
  cacheDiskWrites:     { name: "sluice_cache_disk_writes",        type: "counter",   unit: "",        labels: [], help: "Responses written to disk, and heads written anew." },
  cacheDiskSkipped:    { name: "sluice_cache_disk_skipped",       type: "counter",   unit: "",        labels: [], help: "Responses that were not written to disk, since it was too slow, did not work, or they are too large for it." },
  cacheDiskEvictions:  { name: "sluice_cache_disk_evictions",     type: "counter",   unit: "",        labels: [], help: "Responses on disk that had to make room for others." },
  cacheDiskErrors:     { name: "sluice_cache_disk_errors",        type: "counter",   unit: "",        labels: [], help: "Reads and writes of the cache's files that failed or took too long, and records that were not as they had been written." },
  connections:         { name: "sluice_connections",              type: "counter",   unit: "",        labels: ["listener"], help: "Client connections accepted." },
  connectionsOpen:     { name: "sluice_connections_open",         type: "gauge",     unit: "",        labels: ["listener"], help: "Client connections now open." },
  connectionsIdle:     { name: "sluice_connections_idle",         type: "gauge",     unit: "",        labels: ["listener"], help: "Client connections open with no request on them." },
  connectionsShed:     { name: "sluice_connections_shed",         type: "counter",   unit: "",        labels: ["listener"], help: "Client connections that did nothing and were closed for a newcomer, near limits.connectionsMax." },
  upstreamConnections: { name: "sluice_upstream_connections",     type: "counter",   unit: "",        labels: ["upstream", "endpoint"], help: "Connections opened to an endpoint." },
  upstreamConnectionsOpen: { name: "sluice_upstream_connections_open", type: "gauge", unit: "",       labels: ["upstream", "endpoint"], help: "Connections to an endpoint now open." },
  upstreamConnectionsIdle: { name: "sluice_upstream_connections_idle", type: "gauge", unit: "",       labels: ["upstream", "endpoint"], help: "Connections to an endpoint waiting in the pool." },
  refused:             { name: "sluice_requests_refused",         type: "counter",   unit: "",        labels: ["listener", "code"], help: "Connections and datagrams refused before there was an exchange or a session." },
  handshakes:          { name: "sluice_tls_handshakes",           type: "counter",   unit: "",        labels: ["listener", "version", "resumed"], help: "TLS handshakes with clients that succeeded; resumed is yes or no. Those that failed are in sluice_requests_refused." },
  certificateExpiry:   { name: "sluice_certificate_expiry_timestamp_seconds", type: "gauge", unit: "seconds", labels: ["certificate"], help: "When a certificate that is served expires, in Unix time." },
  certificateWarnings: { name: "sluice_certificate_warnings",     type: "gauge",     unit: "",        labels: ["certificate"], help: "How many things are wrong with a certificate that is served: /api/status says which." },
  streamSessions:      { name: "sluice_stream_sessions",          type: "counter",   unit: "",        labels: ["stream"], help: "Connections through a stream, and sessions over UDP, that have begun." },
  streamSessionsOpen:  { name: "sluice_stream_sessions_open",     type: "gauge",     unit: "",        labels: ["stream"], help: "Those now open." },
  streamReceived:      { name: "sluice_stream_received_bytes",    type: "counter",   unit: "bytes",   labels: ["stream"], help: "Bytes that clients sent through a stream, counted while they go." },
  streamSent:          { name: "sluice_stream_sent_bytes",        type: "counter",   unit: "bytes",   labels: ["stream"], help: "Bytes that clients were sent through a stream, counted while they go." },
  streamFaults:        { name: "sluice_stream_faults",            type: "counter",   unit: "",        labels: ["stream", "side", "code"], help: "Sessions of a stream that ended in a fault (docs/faults.md)." },
  compressed:          { name: "sluice_compressed_responses",     type: "counter",   unit: "",        labels: ["coding"], help: "Responses that were compressed." },
  compressedPlain:     { name: "sluice_compressed_response_plain_bytes", type: "counter", unit: "bytes", labels: ["coding"], help: "Their bytes before that." },
  compressedBytes:     { name: "sluice_compressed_response_bytes", type: "counter",  unit: "bytes",   labels: ["coding"], help: "Their bytes as sent." },
  uncompressed:        { name: "sluice_uncompressed_responses",   type: "counter",   unit: "",        labels: ["reason"], help: "Responses of routes that compress which went out as they were, by why (docs/compress.md)." },
  decompressed:        { name: "sluice_decompressed_requests",    type: "counter",   unit: "",        labels: ["coding"], help: "Requests whose body was decompressed." },
  decompressedBytes:   { name: "sluice_decompressed_request_bytes", type: "counter", unit: "bytes",   labels: ["coding"], help: "Their bytes as received." },
  decompressedPlain:   { name: "sluice_decompressed_request_plain_bytes", type: "counter", unit: "bytes", labels: ["coding"], help: "Their bytes after that." },
  bans:                { name: "sluice_bans",                     type: "counter",   unit: "",        labels: ["reason"], help: "Clients banned, by what came last: a fault code, or status where it was a status alone. With mode: warn, that would have been." },
  bansNow:             { name: "sluice_banned_clients",           type: "gauge",     unit: "",        labels: [], help: "Clients that are banned now; at most 4096 are listed." },
  stateConnections:    { name: "sluice_state_connections",        type: "gauge",     unit: "",        labels: [], help: "Connections to where state: says that limits are counted; one for each worker, 0 while it is away." },
  stateCalls:          { name: "sluice_state_calls",              type: "counter",   unit: "",        labels: ["result"], help: "Requests that were to be counted there: answered, failed (no answer, or none in time: counted here instead), or skipped (not asked, since it was away: counted here)." },
  bugs:                { name: "sluice_bugs",                     type: "counter",   unit: "",        labels: [], help: "Broken invariants of the proxy. Anything above 0 is worth a report." },
  logDropped:          { name: "sluice_log_dropped",              type: "counter",   unit: "",        labels: [], help: "Log lines lost because they were not taken as fast as they were written." },
  configVersion:       { name: "sluice_config_version",           type: "gauge",     unit: "",        labels: [], help: "How many configs have been taken since the start." },
  reloadSuccess:       { name: "sluice_config_last_reload_successful", type: "gauge", unit: "",       labels: [], help: "1 if the last config was taken, 0 if it was refused." },
  reloadTime:          { name: "sluice_config_last_reload_success_timestamp_seconds", type: "gauge", unit: "seconds", labels: [], help: "When a config was last taken, in Unix time." },
  workers:             { name: "sluice_workers",                  type: "gauge",     unit: "",        labels: [], help: "Workers that serve now." },
  workerRestarts:      { name: "sluice_worker_restarts",          type: "counter",   unit: "",        labels: ["reason"], help: "Workers that were lost and replaced: crashed, out_of_memory, hung, exited, refused." },
  workerUtilization:   { name: "sluice_worker_event_loop_utilization_ratio", type: "gauge", unit: "ratio", labels: ["worker"], help: "How much of the time the event loop of a worker was busy, since the last scrape; only with several workers." },
  acmeOrders:          { name: "sluice_acme_orders",              type: "counter",   unit: "",        labels: ["issuer", "outcome"], help: "Tries to get a certificate, by what came of them: obtained, adopted (another instance had got it), refused, rateLimited, unreachable, malformed, storage." },
  certificatesMissing: { name: "sluice_certificates_missing",     type: "gauge",     unit: "",        labels: [], help: "Certificates that should have come by themselves and are not there." },
  ocspAnswers:         { name: "sluice_ocsp_answers",             type: "counter",   unit: "",        labels: ["outcome"], help: "Questions to OCSP responders about certificates that are served, by what came of them: good, revoked, refused (the answer is not to be believed, or is no answer), unreachable." },
  ocspStapleExpiry:    { name: "sluice_ocsp_staple_expiry_timestamp_seconds", type: "gauge", unit: "seconds", labels: ["certificate"], help: "When the answer expires that is stapled to a certificate, in Unix time; none where nothing is stapled." },
  buildInfo:           { name: "sluice_build_info",               type: "gauge",     unit: "",        labels: ["version", "node"], help: "Always 1; the labels say what is running." },
  cpuSeconds:          { name: "sluice_process_cpu_seconds",      type: "counter",   unit: "seconds", labels: ["mode"], help: "Processor time of the process." },
  residentBytes:       { name: "sluice_process_resident_bytes",   type: "gauge",     unit: "bytes",   labels: [], help: "Memory of the process that is in RAM." },
  heapBytes:           { name: "sluice_process_heap_bytes",       type: "gauge",     unit: "bytes",   labels: ["kind"], help: "JavaScript heap (used, total) of the main thread, and memory outside of it (external)." },
  startTime:           { name: "sluice_process_start_timestamp_seconds", type: "gauge", unit: "seconds", labels: [], help: "When the process started, in Unix time." },
  loopDelay:           { name: "sluice_event_loop_delay_seconds", type: "gauge",     unit: "seconds", labels: ["quantile"], help: "How late the event loop of the main thread was, since the last scrape." },
  loopUtilization:     { name: "sluice_event_loop_utilization_ratio", type: "gauge", unit: "ratio",   labels: [], help: "How much of the time the event loop of the main thread was busy, since the last scrape." },
  gcSeconds:           { name: "sluice_gc_seconds",               type: "counter",   unit: "seconds", labels: ["kind"], help: "Time spent collecting garbage in the main thread." },
} as const satisfies Record<string, MetricRow>;

export type MetricKey = keyof typeof METRICS;

/** docs/metrics.md. */
export function metricsReference(): string {
  const rows = Object.values(METRICS).map((row: MetricRow) => {
    const name = row.type === "counter" ? `${row.name}_total` : row.name;
    const labels = row.labels.map((label) => `\`${label}\``).join(", ");
    return `| \`${name}\` | ${row.type} | ${labels} | ${row.help} |`;
  });
  return `${ABOUT}| Name | Type | Labels | Meaning |\n|---|---|---|---|\n${rows.join("\n")}\n`;
}

const ABOUT = `# Metrics

Generated from \`src/observe/metric-table.ts\`; do not edit.

\`GET /metrics\` on the admin listener answers in the Prometheus text format 0.0.4, or in OpenMetrics 1.0.0 to
a scraper that asks for it in Accept.

Label values come from the config and from fixed tables, never from a request: no client can make a series.
A method outside of the well-known ones counts as \`OTHER\`; an exchange that no route took has an empty
\`route\`. Past 10,000 routes and endpoints since the start (reloads included) new ones count under \`(other)\`.
A series shows up once it has counted something, and stays, through reloads, until the process ends.

`;
