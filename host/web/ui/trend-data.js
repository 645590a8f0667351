// trend-data.js -- one series of /api/v1/history as the columns a plot wants, kept live, with its gaps. Pure.
//
// x is epoch ms, y a number or null. A null is a gap: it stands where the value was null, where the tag was stale, and
// at every break the host names. Rows hold what was there, for the table, the cursor and the summary.

import { exactNumber, isoTime, toNumber } from './fmt.js';

const breaksLine = (q) => q === 'S' || q === 'N';

export class TrendData {
  x = [];
  y = [];
  q = [];      // quality letter per point
  raw = [];    // the value as it came (text, 64-bit digits)
  type = null;
  unit = null;
  reduced = null; // name of the reduction, null when every sample is here
  rawCount = 0;
  gaps = 0;
  version = 0;

  // A series of the history answer; replaces everything.
  load(series) {
    this.x = [];
    this.y = [];
    this.q = [];
    this.raw = [];
    this.gaps = 0;
    this.type = series?.type ?? null;
    this.unit = series?.unit ?? null;
    const t = series?.t ?? [], v = series?.v ?? [], q = series?.q ?? '';
    this.rawCount = Number(series?.raw_count ?? t.length);
    this.reduced = series?.reduced ?? (this.rawCount > t.length ? 'minmax' : null);
    if (this.reduced === 'raw') this.reduced = null;
    const breaks = [...(series?.breaks ?? [])].sort((a, b) => a - b);
    let next = 0;
    for (let i = 0; i < t.length; i++) {
      while (next < breaks.length && breaks[next] <= t[i]) this.#gap(breaks[next++]);
      this.#point(t[i], v[i], q.length === 1 ? q : (q[i] ?? 'G'));
    }
    while (next < breaks.length) this.#gap(breaks[next++]);
    this.version++;
  }

  // A live sample. One that is older than the newest point came late: the next load will have it. A value that went
  // stale keeps its own time; the line ends when that became known, at `heardMs`.
  push(ms, value, q, heardMs = ms) {
    const last = this.x.at(-1);
    if (breaksLine(q)) {
      // Its last good value may have come in the same breath.
      const isNew = (last === undefined || ms > last) && value !== null && value !== undefined;
      if (isNew) this.#point(ms, value, 'G');
      else if (last === undefined || this.y.at(-1) === null) return false;
      this.#gap(Math.max(heardMs, ms + 1));
    } else {
      if (last !== undefined && ms <= last) return false;
      this.#point(ms, value, q);
      this.rawCount++;
    }
    this.version++;
    return true;
  }

  dropBefore(ms) {
    let n = 0;
    while (n < this.x.length - 1 && this.x[n + 1] < ms) n++; // one point before the edge keeps the line whole
    if (!n) return;
    for (const column of [this.x, this.y, this.q, this.raw]) column.splice(0, n);
    this.version++;
  }

  // Columns to draw; a live line that is not broken is held to `nowMs`.
  columns(nowMs) {
    const last = this.x.length - 1;
    if (nowMs === undefined || last < 0 || this.y[last] === null || nowMs <= this.x[last]) return [this.x, this.y];
    return [[...this.x, nowMs], [...this.y, this.y[last]]];
  }

  // { count, min, max, last, gaps } over [from, to]; min and max are null without numbers.
  summary(from = -Infinity, to = Infinity) {
    const sum = { count: 0, min: null, max: null, last: null, lastMs: null, gaps: 0 };
    for (let i = 0; i < this.x.length; i++) {
      if (this.x[i] < from || this.x[i] > to) continue;
      const y = this.y[i];
      if (y === null) {
        if (i > 0 && this.y[i - 1] !== null) sum.gaps++;
        continue;
      }
      sum.count++;
      if (sum.min === null || y < sum.min) sum.min = y;
      if (sum.max === null || y > sum.max) sum.max = y;
      sum.last = this.raw[i];
      sum.lastMs = this.x[i];
    }
    return sum;
  }

  // Stretches of one abnormal quality, for the band under the plot: [[fromMs, toMs, 'U'], ...].
  bands(endMs) {
    const bands = [];
    for (let i = 0; i < this.x.length; i++) {
      if (this.q[i] === 'G') continue;
      const to = i + 1 < this.x.length ? this.x[i + 1] : Math.max(endMs, this.x[i]);
      const last = bands.at(-1);
      if (last && last[2] === this.q[i] && last[1] === this.x[i]) last[1] = to;
      else bands.push([this.x[i], to, this.q[i]]);
    }
    return bands;
  }

  // Index of the last point at or before ms; -1 when there is none.
  indexAt(ms) {
    let low = 0, high = this.x.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      if (this.x[mid] <= ms) low = mid + 1;
      else high = mid;
    }
    return low - 1;
  }

  #point(ms, value, q) {
    const number = value === null || value === undefined || breaksLine(q) ? NaN : toNumber(value, this.type);
    this.x.push(ms);
    this.y.push(Number.isFinite(number) ? number : null);
    this.q.push(q);
    this.raw.push(value ?? null);
  }
  #gap(ms) {
    const last = this.x.length - 1;
    if (last < 0 || this.y[last] === null) return;
    this.gaps++;
    this.x.push(Math.max(ms, this.x[last]));
    this.y.push(null);
    this.q.push('S');
    this.raw.push(null);
  }
}

const QUALITY_NAMES = { G: 'GOOD', U: 'UNCERTAIN', B: 'BAD', S: 'STALE', N: 'NO_DATA' };
const csvCell = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

// A series of the history answer as CSV: the first columns of what `plantree history` writes, time,path,value,quality.
export function csvOf(path, series) {
  const lines = ['time,path,value,quality'];
  const { t = [], v = [], q = '', type } = series ?? {};
  for (let i = 0; i < t.length; i++) {
    const value = v[i] === null || v[i] === undefined ? '' : typeof v[i] === 'number' ? exactNumber(v[i], type)
      : typeof v[i] === 'string' ? v[i] : JSON.stringify(v[i]);
    lines.push(`${isoTime(t[i])},${csvCell(path)},${csvCell(value)},${QUALITY_NAMES[q.length === 1 ? q : q[i] ?? 'G'] ?? 'NO_DATA'}`);
  }
  return `${lines.join('\n')}\n`;
}
