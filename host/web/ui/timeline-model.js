// timeline-model.js -- when each node and device was up, out of the events and the present states. Pure.
//
// A row is { key, node, device, bars: [{ from, to, state }], ticks: [{ at, type, event }] }, bars in order without overlap,
// state 'online', 'offline' or 'unknown' (before the first event that tells).

const STATE_OF = { nbirth: 'online', ndeath: 'offline', dbirth: 'online', ddeath: 'offline' };
const isTick = (type) => !(type in STATE_OF);

// `changes` are [time, state] in order; `present` is the state that holds at `to`.
function barsOf(changes, present, sinceMs, from, to) {
  const bars = [];
  const add = (start, end, state) => {
    if (end <= start) return;
    const last = bars.at(-1);
    if (last && last.state === state && last.to === start) last.to = end;
    else bars.push({ from: start, to: end, state });
  };
  if (!changes.length) {
    // Nothing happened in the range, as far as the events go: the present state, as long as it is known to last.
    const begin = Number.isFinite(sinceMs) && sinceMs > from ? Math.min(sinceMs, to) : from;
    add(from, begin, 'unknown');
    add(begin, to, present);
    return bars;
  }
  // A death was preceded by life; a birth by anything.
  let at = from, state = changes[0][1] === 'offline' ? 'online' : 'unknown';
  for (const [time, next] of changes) {
    add(at, time, state);
    at = Math.max(at, time);
    state = next;
  }
  // The present state is newer than the last event that tells: it began when the host says.
  if (state !== present && sinceMs > at && sinceMs < to) {
    add(at, sinceMs, state);
    at = sinceMs;
    state = present;
  }
  add(at, to, state);
  return bars;
}

export function timelineOf(nodes, events, from, to) {
  const rows = [], byKey = new Map();
  const row = (key, node, device, present, sinceMs) => {
    const made = { key, node, device, present, sinceMs, changes: [], ticks: [], bars: [] };
    rows.push(made);
    byKey.set(key, made);
    return made;
  };
  const sorted = [...nodes].sort((a, b) => `${a.group}/${a.edge}`.localeCompare(`${b.group}/${b.edge}`, 'en', { numeric: true }));
  const devicesOf = new Map();
  for (const node of sorted) {
    const name = `${node.group}/${node.edge}`;
    row(name, name, null, node.state, node.since_ms);
    devicesOf.set(name, (node.devices ?? []).map((d) => row(`${name}/${d.device}`, name, d.device, d.state, d.since_ms)));
  }
  const inOrder = events.filter((e) => e.time_ms >= from && e.time_ms < to)
    .sort((a, b) => a.time_ms - b.time_ms || (a.seq ?? 0) - (b.seq ?? 0));
  for (const event of inOrder) {
    const own = byKey.get(event.device ? `${event.node}/${event.device}` : event.node);
    if (!own) continue;
    const state = STATE_OF[event.type];
    if (state) {
      own.changes.push([event.time_ms, state]);
      if (event.type === 'ndeath') for (const device of devicesOf.get(own.node)) device.changes.push([event.time_ms, 'offline']);
    }
    if (isTick(event.type)) own.ticks.push({ at: event.time_ms, type: event.type, event });
  }
  for (const each of rows) each.bars = barsOf(each.changes, each.present, each.sinceMs, from, to);
  return rows;
}

// Marks that would lie on each other become one: [{ at, ticks }], at least `gap` ms from one to the next.
export function clustersOf(ticks, gap) {
  const clusters = [];
  for (const tick of ticks) {
    const last = clusters.at(-1);
    if (last && tick.at - last.at < gap) last.ticks.push(tick);
    else clusters.push({ at: tick.at, ticks: [tick] });
  }
  return clusters;
}

// Share of the known time that a row was up, 0..1; NaN when nothing is known.
export function uptime(bars) {
  let up = 0, known = 0;
  for (const bar of bars) {
    if (bar.state === 'unknown') continue;
    known += bar.to - bar.from;
    if (bar.state === 'online') up += bar.to - bar.from;
  }
  return known ? up / known : NaN;
}

const STEPS_MS = [60e3, 300e3, 900e3, 1800e3, 3600e3, 2 * 3600e3, 6 * 3600e3, 12 * 3600e3, 86400e3];
// Times to write below the bars: round ones in local time, at most `most` of them.
export function gridTimes(from, to, most = 8) {
  const step = STEPS_MS.find((each) => (to - from) / each <= most) ?? STEPS_MS.at(-1) * Math.ceil((to - from) / STEPS_MS.at(-1) / most);
  const offset = new Date(from).getTimezoneOffset() * 60e3;
  const times = [];
  for (let t = Math.ceil((from - offset) / step) * step + offset; t < to; t += step) times.push(t);
  return times;
}
