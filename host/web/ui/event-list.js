// event-list.js -- events of the host as a list to show: how bad each is, its detail in words, live and read ones as one. Pure.

import { formatTime } from './fmt.js';

export const MAX_ROWS = 1000;
const BAD = new Set(['ndeath', 'ddeath', 'host-offline', 'host-id-in-use', 'duplicate-node', 'doubtful']);
const WARN = new Set(['seq-gap', 'reorder-timeout', 'path-collision', 'path-takeover', 'quarantine', 'clock-skew', 'conformance']);
const WRITES_GONE_WRONG = new Set(['refused', 'deviates', 'timeout']);

// '' when it is in the order of things.
export function levelOf({ type, detail }) {
  if (type === 'write') return WRITES_GONE_WRONG.has(detail?.state) ? 'warn' : '';
  return BAD.has(type) ? 'bad' : WARN.has(type) ? 'warn' : '';
}

// {"a":1,"b":{"c":2}} -> "a 1, b.c 2"; times as times.
export function detailText(detail, prefix = '') {
  if (detail === null || detail === undefined) return '';
  if (typeof detail !== 'object') return String(detail);
  const one = (name, value) => {
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return detailText(value, `${prefix}${name}.`);
    if (/_ms$/.test(name) && value > 1e11) return `${prefix}${name.slice(0, -3)} ${formatTime(value, true)}`;
    return `${prefix}${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`;
  };
  return Object.entries(detail).map(([name, value]) => one(name, value)).filter(Boolean).join(', ');
}

// The detail of an event in words; a write's in the order a person asks for it.
export function describe({ type, detail }) {
  if (type !== 'write' || !detail?.state) return detailText(detail);
  const { value, state, reported, reason, who } = detail;
  return [`${JSON.stringify(value)} ${state}`, reported !== undefined && state === 'deviates' && `the plant reports ${JSON.stringify(reported)}`,
    state !== 'confirmed' && detail.detail, reason && `reason: ${reason}`, who && `by ${who}`].filter(Boolean).join(', ');
}

// Live rows in front of the ones that were read, each once. A live row has no number yet.
export function mergeEvents(live, read) {
  const seen = new Set();
  return [...read, ...live].filter((event) => {
    const key = `${event.time_ms} ${event.type} ${event.node} ${event.device} ${event.path}`;
    return !seen.has(key) && seen.add(key);
  }).sort((a, b) => b.time_ms - a.time_ms || (b.seq ?? 0) - (a.seq ?? 0)).slice(0, MAX_ROWS);
}
