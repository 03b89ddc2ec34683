/**
 * What has to be one step at the engine. Each script touches the keys it is given and no other, all in one slot, and
 * reckons by the engine's own clock, so that several servers need not agree on the time.
 */

const now = `local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/** KEYS: the index. ARGV: node, time to live. */
export const indexNode = `${now}
redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[2]), ARGV[1])`;

/** KEYS: the index. Answers with the nodes whose time is not over. */
export const indexedNodes = `${now}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
return redis.call('ZRANGE', KEYS[1], 0, -1)`;

/** KEYS: the index. Answers with their number. */
export const countNodes = `${now}
return redis.call('ZCOUNT', KEYS[1], '(' .. string.format('%.0f', now), '+inf')`;

/** A list of `expires route`, oldest first, those past their time left out. */
const standing = `${now}
local standing = {}
for _, item in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  local expires, route = item:match('^(%d+) (.*)$')
  if tonumber(expires) > now then standing[#standing + 1] = { tonumber(expires), route } end
end
`;

const writeStanding = `
redis.call('DEL', KEYS[1])
local last = 0
for place = math.max(1, #standing - most + 1), #standing do
  local expires, route = standing[place][1], standing[place][2]
  redis.call('RPUSH', KEYS[1], string.format('%.0f', expires) .. ' ' .. route)
  last = math.max(last, expires)
end
if last > 0 then redis.call('PEXPIRE', KEYS[1], string.format('%.0f', last - now)) end`;

/** KEYS: the address's routes. ARGV: route, most, time to live. */
export const addRoute = `${standing}
local most, expires, known = tonumber(ARGV[2]), now + ARGV[3], false
for _, each in ipairs(standing) do
  if each[2] == ARGV[1] then
    each[1] = expires
    known = true
  end
end
if not known then standing[#standing + 1] = { expires, ARGV[1] } end
${writeStanding}`;

/** KEYS: the address's routes. ARGV: route. */
export const removeRoute = `${standing}
local most = #standing
for place = #standing, 1, -1 do
  if standing[place][2] == ARGV[1] then table.remove(standing, place) end
end
${writeStanding}`;

/** KEYS: the address's routes. */
export const routes = `${standing}
local answer = {}
for place, each in ipairs(standing) do answer[place] = each[2] end
return answer`;

/**
 * Queues a body. `ready` lists the circuits for which something waits, each once; `waiting` holds under a circuit's number
 * the places of the first and the last body, and each body under `circuit:place`; `bell` wakes the taker.
 *
 * KEYS: alive, ready, waiting, bell. ARGV: circuit, body, most that may wait, time to live. Answers 1, or 0 when nobody
 * takes.
 */
export const deliver = `
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local circuit, first, last = ARGV[1], 1, 0
local span = redis.call('HGET', KEYS[3], circuit)
if span then
  first, last = span:match('^(%d+) (%d+)$')
  first, last = tonumber(first), tonumber(last)
else
  redis.call('RPUSH', KEYS[2], circuit)
end
last = last + 1
redis.call('HSET', KEYS[3], circuit .. ':' .. last, ARGV[2])
if last - first >= tonumber(ARGV[3]) then
  redis.call('HDEL', KEYS[3], circuit .. ':' .. first)
  first = first + 1
end
redis.call('HSET', KEYS[3], circuit, first .. ' ' .. last)
if redis.call('EXISTS', KEYS[4]) == 0 then redis.call('RPUSH', KEYS[4], '1') end
for place = 2, 4 do redis.call('PEXPIRE', KEYS[place], ARGV[4]) end
return 1`;

/**
 * Takes what waits for a process, and says that it is alive. What is taken stays in `batch` until the next call: a call
 * whose answer got lost with its connection is made again under the same name and gets the same.
 *
 * KEYS: alive, ready, waiting, bell, batch. ARGV: the batch's name, most circuits, time to live of alive and of the batch.
 * Answers with the batch's name and circuit, body, circuit, body, …; with nothing when nothing waits.
 */
export const take = `
redis.call('SET', KEYS[1], '1', 'PX', ARGV[3])
if redis.call('LINDEX', KEYS[5], 0) == ARGV[1] then return redis.call('LRANGE', KEYS[5], 0, -1) end
redis.call('DEL', KEYS[5], KEYS[4])
for _ = 1, tonumber(ARGV[2]) do
  local circuit = redis.call('LPOP', KEYS[2])
  if not circuit then break end
  local span = redis.call('HGET', KEYS[3], circuit)
  if span then
    if redis.call('EXISTS', KEYS[5]) == 0 then redis.call('RPUSH', KEYS[5], ARGV[1]) end
    local first, last = span:match('^(%d+) (%d+)$')
    for place = tonumber(first), tonumber(last) do
      redis.call('RPUSH', KEYS[5], circuit, redis.call('HGET', KEYS[3], circuit .. ':' .. place))
      redis.call('HDEL', KEYS[3], circuit .. ':' .. place)
    end
    redis.call('HDEL', KEYS[3], circuit)
  end
end
redis.call('PEXPIRE', KEYS[5], ARGV[4])
return redis.call('LRANGE', KEYS[5], 0, -1)`;

/** KEYS: lock, fence. ARGV: process, time to live, floor. Answers with the token, or with nothing when another leads. */
export const lead = `
local held, floor = redis.call('GET', KEYS[1]), tonumber(ARGV[3])
if held then
  local token, process = held:match('^(%d+) (.*)$')
  if process ~= ARGV[1] then return false end
  if tonumber(token) >= floor then
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
    return token
  end
end
local token = math.max(tonumber(redis.call('GET', KEYS[2]) or 0), floor) + 1
local text = string.format('%.0f', token)
redis.call('SET', KEYS[2], text)
redis.call('SET', KEYS[1], text .. ' ' .. ARGV[1], 'PX', ARGV[2])
return text`;

/** KEYS: the name. ARGV: value, time to live. Answers with the value that stands. */
export const claim = `
local standing = redis.call('GET', KEYS[1])
if standing then return standing end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]`;

/** KEYS: lock. ARGV: process. */
export const retire = `
local held = redis.call('GET', KEYS[1])
if held and held:match('^%d+ (.*)$') == ARGV[1] then redis.call('DEL', KEYS[1]) end`;
