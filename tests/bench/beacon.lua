-- One page view a request, from one of BENCH_VISITORS visitors, with one of 50 agents; 5 % of the
-- agents were never seen before. Or, with BENCH_BATCH, that many events a request: a page view and
-- what was clicked on the page. With BENCH_FIRST visitors come in turn from that number on, so that
-- all of them have been here. What differs between runs of one seed is nothing.
local thread_number = 0
function setup(thread) thread:set("number", thread_number); thread_number = thread_number + 1 end

local agents = {}
local systems = { "Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7",
  "X11; Linux x86_64", "Linux; Android 14; Pixel 8", "Windows NT 11.0; Win64; x64" }

local function agent(system, major, build)
  return "Mozilla/5.0 (" .. system .. ") AppleWebKit/537.36 (KHTML, like Gecko) Chrome/" .. major
    .. ".0." .. build .. ".0 Safari/537.36"
end

local visitors = tonumber(os.getenv("BENCH_VISITORS") or "20000")
local batch = tonumber(os.getenv("BENCH_BATCH") or "1")
local next_visitor = tonumber(os.getenv("BENCH_FIRST") or "")

function init(args)
  math.randomseed(tonumber(os.getenv("BENCH_SEED") or "1") + number)
  list, key, path = args[1], args[2], args[3]
  for system = 1, 5 do
    for major = 1, 10 do agents[#agents + 1] = agent(systems[system], 110 + major, 0) end
  end
end

local function hex(digits)
  local text = ""
  for _ = 1, digits / 4 do text = text .. string.format("%04x", math.random(0, 65535)) end
  return text
end

local function uuid()
  return hex(8) .. "-" .. hex(4) .. "-4" .. hex(4):sub(2) .. "-a" .. hex(4):sub(2) .. "-" .. hex(12)
end

local function visitor()
  if not next_visitor then return math.random(visitors) end
  next_visitor = next_visitor % visitors + 1
  return next_visitor
end

local function event(name, properties)
  return '{"id":"' .. uuid() .. '","seq":1,"event":"' .. name .. '","at":' .. os.time() ..
    '000,"properties":' .. properties .. '}'
end

function request()
  local chosen = agents[math.random(50)]
  if math.random() < 0.05 then chosen = agent(systems[math.random(5)], 120, math.random(1e9)) end
  local page = "https://shop.example/products/" .. math.random(500)
  local body
  if key == "" then
    local events = event("pageView", '{"url":"' .. page .. '"}')
    for number = 2, batch do
      events = events .. ',' .. event("click " .. number % 5,
        '{"product":' .. math.random(500) .. ',"text":"Into the basket","x":' .. number .. '}')
    end
    body = '{"v":1,"list":"' .. list .. '","seed":"' .. visitor() ..
      '","sent_at":' .. os.time() .. '000,"context":{"$browser_language":"en-US","$current_url":"' ..
      page .. '","$host":"shop.example","$lib":"gateway-js","$lib_version":"1","$pageTitle":"Shop",' ..
      '"$pathname":"/products/1","$referrer":null,"$referring_domain":null,"$screen_height":1080,' ..
      '"$screen_width":1920,"$viewport_height":900,"$viewport_width":1400},"events":[' .. events .. ']}'
  else
    body = '{"ListID":' .. list .. ',"Event":"page_view","UUID":"00000000-0000-4000-8000-' ..
      string.format("%012x", visitor()) .. '","EventID":"' .. uuid() ..
      '","Properties":{"$current_url":"' .. page .. '","$user_agent":"' .. chosen .. '"}}'
  end
  local headers = { ["Content-Type"] = "text/plain", ["User-Agent"] = chosen,
    ["Origin"] = "https://shop.example" }
  if key ~= "" then headers["Authorization"] = "Bearer " .. key end
  return wrk.format("POST", path, headers, body)
end

local refused = 0
function response(status) if status ~= 200 then wrk.thread:stop(); refused = refused + 1 end end

function done(summary, latency)
  io.write(string.format('{"requests": %d, "seconds": %f, "p50_us": %d, "p99_us": %d, "errors": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99),
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout))
end
