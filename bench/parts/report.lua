-- Arguments: "get", "pipelined COUNT" (so many requests in one write), "post BYTES", or
-- "sites COUNT ROUTES" (a random site and route per request).
function init(args)
  if args[1] == "post" then
    wrk.method = "POST"
    wrk.body = string.rep("x", tonumber(args[2]))
  elseif args[1] == "pipelined" then
    local together = string.rep(wrk.format(), tonumber(args[2]))
    request = function()
      return together
    end
  elseif args[1] == "sites" then
    local ready = prepare(tonumber(args[2]), tonumber(args[3]))
    local at = 0
    request = function()
      at = at % #ready + 1
      return ready[at]
    end
  end
end

-- Formatted beforehand: Lua per request would make the load generator the bottleneck.
function prepare(sites, routes)
  local ready = {}
  math.randomseed(20)
  for index = 1, 4000 do
    local host = "site" .. math.random(0, sites - 1) .. ".bench.test"
    local path = "/r" .. math.random(0, routes - 1) .. "/small"
    wrk.headers["Host"] = host
    ready[index] = wrk.format("GET", path)
  end
  return ready
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"durationUs":%d,"p50Us":%d,"p99Us":%d,' ..
      '"errors":{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect, errors.read, errors.write, errors.status, errors.timeout
  ))
end
