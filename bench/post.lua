-- What wrk sends, told by its arguments: the first seed, the step to the next (0: always the same request), a body with SEED where the
-- seed goes, and headers as "Name: value".

function init(args)
  local seed, step = tonumber(args[1]), tonumber(args[2])
  local digits = string.format("%.0f", seed)
  wrk.method = "POST"
  wrk.body = args[3]:gsub("SEED", digits)
  for i = 4, #args do
    local name, value = args[i]:match("^(.-): (.*)$")
    wrk.headers[name] = value
  end

  if step > 0 then
    -- Seeds have the same number of digits, so only they differ from one request to the next.
    local whole = wrk.format()
    local first, last = whole:find(digits, 1, true)
    local before, after = whole:sub(1, first - 1), whole:sub(last + 1)
    function request()
      seed = seed + step
      return before .. string.format("%.0f", seed) .. after
    end
  end
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    '{"requests":%d,"microseconds":%d,"bytes":%.0f,"p50":%.0f,"p99":%.0f,"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99),
    errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
