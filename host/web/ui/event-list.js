// event-list.js -- events of the host as a list to show: how bad each is, its detail in words, live and read ones as one. Pure.

export const MAX_ROWS = 1000;
const BAD = new Set(['ndeath', 'ddeath', 'host-offline', 'duplicate-node']);
const WARN = new Set(['seq-gap', 'reorder-timeout', 'path-collision', 'quarantine', 'clock-skew']);
export const levelOf = (type) => (BAD.has(type) ? 'bad' : WARN.has(type) ? 'warn' : '');

// {"a":1,"b":{"c":2}} -> "a 1, b.c 2"
export function detailText(detail, prefix = '') {
  if (detail === null || detail === undefined) return '';
  if (typeof detail !== 'object') return String(detail);
  return Object.entries(detail).map(([name, value]) => (value !== null && typeof value === 'object' && !Array.isArray(value)
    ? detailText(value, `${prefix}${name}.`) : `${prefix}${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`))
    .filter(Boolean).join(', ');
}

// Live rows in front of the ones that were read, each once.
export function mergeEvents(live, read) {
  const seen = new Set();
  return [...live, ...read].filter((event) => {
    const key = event.seq ?? `${event.time_ms} ${event.type} ${event.node} ${event.device}`;
    return !seen.has(key) && seen.add(key);
  }).sort((a, b) => b.time_ms - a.time_ms || (b.seq ?? 0) - (a.seq ?? 0)).slice(0, MAX_ROWS);
}
