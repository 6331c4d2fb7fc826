-- wrk -s requests.lua URL -- BEARER PATH BODY COMPANIES KEYS
-- POSTs BODY (GETs where it is empty) to PATH, whose {company} is each of so many companies in turn, far apart from
-- each other; with KEYS=yes each request has an idempotency key of its own; with KEYS=pairs each reply is a hold, which
-- is captured next; with KEYS=batch-500 each request is a batch of 500, for which BODY is one operation.
-- Ends with one line of JSON.

local requests, keys, body, headers, paths, count, seed = {}, false, "", {}, {}, 0, ""
local threads, held, captured = 0, {}, '{"quantities":{"images":4}}'

function setup(thread)
   thread:set("number", threads)
   threads = threads + 1
end

function init(args)
   local path, companies = args[2], tonumber(args[4])
   body, keys, seed = args[3], args[5] == "yes", args[6]
   headers["Authorization"] = "Bearer " .. args[1]
   headers["Content-Type"] = "application/json"
   local size = tonumber(args[5]:match("^batch%-(%d+)$"))
   if size then
      companies = init_batches(path, companies, size)
   end
   for n = 0, size and -1 or companies - 1 do
      paths[n] = path:gsub("{company}", string.format("company-%05d", (n * 7919) % companies))
      if not keys then
         requests[n] = wrk.format(body == "" and "GET" or "POST", paths[n], headers, body ~= "" and body or nil)
      end
   end
   if args[5] == "pairs" then
      response = take_hold
   end
   companies_count = companies
   count = number * 1000003
end

function init_batches(path, companies, size)
   for n = 0, companies / size - 1 do
      local operations = {}
      for m = 0, size - 1 do
         operations[m + 1] = body:gsub("{company}", string.format("company-%05d", ((n * size + m) * 7919) % companies))
      end
      requests[n] = wrk.format("POST", path, headers, '{"operations":[' .. table.concat(operations, ",") .. "]}")
   end
   return companies / size
end

function take_hold(_, _, reply)
   local id, company = reply:match('"id":"(hld_%d+)","status":"open","company":"([^"]+)"')
   if id then
      held[#held + 1] = wrk.format("POST", "/v1/companies/" .. company .. "/holds/" .. id .. "/capture", headers, captured)
   end
end

function request()
   if #held > 0 then
      return table.remove(held)
   end
   count = count + 1
   local n = count % companies_count
   if keys then
      headers["Idempotency-Key"] = seed .. "-" .. count
      return wrk.format("POST", paths[n], headers, body)
   end
   return requests[n]
end

function done(summary, latency, _)
   local errors = summary.errors
   io.write(string.format(
      '\n{"requests": %d, "seconds": %.6f, "refused": %d, "broken": %d, "p50": %.3f, "p99": %.3f}\n',
      summary.requests, summary.duration / 1e6, errors.status,
      errors.connect + errors.read + errors.write + errors.timeout,
      latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
