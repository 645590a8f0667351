// store.js -- what the page knows: tags with their current values, edge nodes, and small observable cells.
// Pure: the caller gives the time and the way to schedule a paint.

import { decimalsOf, parseTime } from './fmt.js';

// A value that can be watched. set() with an equal value tells nobody.
export class Cell {
  #value;
  #watchers = new Set();
  constructor(value) { this.#value = value; }
  get value() { return this.#value; }
  set(value) {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const watcher of [...this.#watchers]) watcher(value);
  }
  subscribe(watcher) {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }
}

// Current values by tag id. The stream fills it as fast as it likes; those who watch a path hear of it once per paint,
// and only when that tag changed.
export class TagStore {
  #tags = new Map();     // tag id -> tag
  #byPath = new Map();   // path -> tag id
  #watchers = new Map(); // path -> Set of functions
  #sinks = new Set();    // functions that get every sample of a path, for trends: {path, push}
  #dirty = new Set();    // paths
  #scheduled = false;
  constructor(schedule) { this.schedule = schedule; }

  get size() { return this.#tags.size; }
  get(path) {
    const id = this.#byPath.get(path);
    return id === undefined ? undefined : this.#tags.get(id);
  }

  // [[tag_id, path, type, unit], ...]
  applyDict(rows) {
    for (const [id, path, type, unit] of rows) {
      const old = this.#tags.get(id);
      if (old && old.path !== path) this.#byPath.delete(old.path);
      this.#tags.set(id, { ...old, id, path, type: type ?? old?.type, unit: unit ?? null, decimals: old?.decimals ?? 0 });
      this.#byPath.set(path, id);
      this.#touch(path);
    }
  }

  // [[tag_id, ms, value, quality], ...]; ids without a dict row are counted and passed over.
  applyValues(rows) {
    let unknown = 0;
    for (const [id, ms, value, q] of rows) {
      const tag = this.#tags.get(id);
      if (!tag) {
        unknown++;
        continue;
      }
      this.#setValue(tag, ms, value, q);
    }
    return unknown;
  }

  // The answer of /api/v1/values: full rows, never older than what is here.
  applyRead(rows) {
    for (const row of rows) {
      if (row.tag_id === undefined || row.tag_id === null) continue;
      this.applyDict([[row.tag_id, row.path, row.type, row.unit]]);
      const tag = this.#tags.get(row.tag_id);
      tag.writable = row.writable ?? tag.writable;
      if (row.source) tag.about = { description: row.description ?? null, low: row.eng_low, high: row.eng_high, source: row.source };
      if (row.timestamp_ms === null || row.timestamp_ms === undefined || row.timestamp_ms < (tag.ms ?? 0)) continue;
      tag.staleSince = row.stale_since_ms ?? null;
      this.#setValue(tag, row.timestamp_ms, row.value, (row.quality ?? 'G')[0]);
    }
  }

  watch(path, watcher) {
    let set = this.#watchers.get(path);
    if (!set) this.#watchers.set(path, (set = new Set()));
    set.add(watcher);
    return () => {
      set.delete(watcher);
      if (!set.size) this.#watchers.delete(path);
    };
  }
  // push(ms, value, quality) for every sample of `path`, in order of arrival.
  tap(path, push) {
    const sink = { path, push };
    this.#sinks.add(sink);
    return () => this.#sinks.delete(sink);
  }

  flush() {
    this.#scheduled = false;
    const paths = this.#dirty;
    this.#dirty = new Set();
    for (const path of paths) for (const watcher of this.#watchers.get(path) ?? []) watcher();
  }

  #setValue(tag, ms, value, q) {
    tag.ms = ms;
    tag.value = value;
    tag.q = q ?? 'G';
    tag.changes = (tag.changes ?? 0) + 1;
    tag.decimals = Math.max(tag.decimals, decimalsOf(value, tag.type));
    for (const sink of this.#sinks) if (sink.path === tag.path) sink.push(ms, value, tag.q);
    this.#touch(tag.path);
  }
  #touch(path) {
    if (!this.#watchers.has(path)) return;
    this.#dirty.add(path);
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.schedule(() => this.flush());
  }
}

export const nodeKey = (node) => `${node.group}/${node.edge}`;

// Sums for the header, and the rate of samples between two answers of /api/v1/nodes.
export function fleetOf(nodes, previous, nowMs) {
  const fleet = { online: 0, offline: 0, devicesOffline: 0, received: 0, gaps: 0, rejected: 0, at: nowMs, rate: NaN };
  for (const node of nodes) {
    if (node.state === 'online') fleet.online++;
    else fleet.offline++;
    for (const device of node.devices ?? []) if (device.state !== 'online') fleet.devicesOffline++;
    fleet.received += Number(node.samples?.received ?? 0);
    fleet.rejected += Number(node.samples?.rejected ?? 0);
    fleet.gaps += Number(node.seq_gaps ?? 0);
  }
  const seconds = previous ? (nowMs - previous.at) / 1000 : 0;
  if (seconds > 0.5 && fleet.received >= previous.received) fleet.rate = (fleet.received - previous.received) / seconds;
  else if (previous && seconds <= 0.5) fleet.rate = previous.rate;
  return fleet;
}

// `state` rows of the stream applied to a list of nodes: a new list when something changed, else the same one.
export function patchNodes(nodes, rows) {
  let result = nodes;
  for (const row of rows) {
    const at = parseTime(row.at);
    const [group, edge, ...rest] = (row.node ?? row.device ?? '').split('/');
    const device = row.node && row.device ? row.device : rest.join('/');
    const index = result.findIndex((node) => node.group === group && node.edge === edge);
    if (index < 0) continue;
    let node = { ...result[index] };
    if (device) {
      node.devices = (node.devices ?? []).map((d) => (d.device === device
        ? { ...d, state: row.state, since_ms: Number.isFinite(at) ? at : d.since_ms } : d));
    } else {
      node = { ...node, state: row.state, since_ms: Number.isFinite(at) ? at : node.since_ms };
      // A node's death is its devices' death.
      if (row.state === 'offline') node.devices = (node.devices ?? []).map((d) => ({ ...d, state: 'offline' }));
    }
    result = result === nodes ? [...nodes] : result;
    result[index] = node;
  }
  return result;
}

// Where a node's messages and samples went. Each account is { received, parts: [[name, count]], open }: what was received is the
// sum of its parts, `open` is what is missing to that (0 when the account closes). null when the host does not tell.
export function accountsOf(node) {
  const account = (received, parts) => {
    const known = parts.filter(([, count]) => count !== undefined && count !== null).map(([name, count]) => [name, Number(count)]);
    return { received: Number(received), parts: known, open: Number(received) - known.reduce((sum, [, count]) => sum + count, 0) };
  };
  const m = node.messages, s = node.samples;
  return {
    messages: m ? account(m.received, [['accepted', m.accepted], ['rejected', m.rejected], ['held back', m.held]]) : null,
    samples: s?.not_kept !== undefined ? account(s.received, [['stored', s.stored], ['repeated', s.duplicate], ['not to be kept', s.not_kept],
      ['rejected', s.rejected], ['lost here', s.lost]]) : null,
    rejectedBy: Object.entries(node.rejected_by ?? {}).map(([reason, count]) => ({ reason, messages: Number(count.messages ?? 0), samples: Number(count.samples ?? 0) })),
  };
}
