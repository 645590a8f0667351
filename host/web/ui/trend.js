// trend.js -- tags over time: the last minutes or hours live, or a range zoomed into. The picked tag is the first lane, the
// pinned ones follow below with the same time axis and one cursor through all.
//
// The host reduces (min and max per pixel column), so a spike is never hidden; the text below says so. The range is in the
// address, so the browser's Back is "the zoom before".

import { api } from './api.js';
import { formatAge, formatClock, formatDate, formatTime, formatValue, group, isoTime, isPlottable, kindOf, NO_VALUE, quality } from './fmt.js';
import { csvOf, TrendData } from './trend-data.js';
import { html, LiveValue, QualityWord, Trouble, useCell, useEffect, usePlant, useRef, useState, useTag } from './ui.js';

const SPANS = [['15m', '15 min', 15 * 60e3], ['1h', '1 h', 3600e3], ['8h', '8 h', 8 * 3600e3], ['24h', '24 h', 86400e3]];
const MAX_POINTS = 2000;
const UNITS_MS = { s: 1000, m: 60e3, h: 3600e3, d: 86400e3 };
const MIN_LIVE_MS = 10e3, MAX_LIVE_MS = 31 * 86400e3;
const MIN_SPAN_MS = 1000;
const MAX_SPAN_MS = 400 * 86400e3;
const MAX_LANES = 8;
const RELOAD_MS = 60000;  // live plots are read anew: late samples, back-fill, reduction
const DRAW_MS = 250;
const RECENT = 400;       // live samples kept to lay over a reading that was on its way meanwhile
const TABLE_ROWS = 200;

let uplotReady = null;
// Fetched with the first trend, so that the first page does not wait for it.
function loadUplot() {
  uplotReady ??= new Promise((done, fail) => {
    const script = document.createElement('script');
    script.src = new URL('./lib/uplot.js', import.meta.url).href;
    script.onload = () => done(globalThis.uPlot);
    script.onerror = () => {
      uplotReady = null;
      fail(new Error('The plotting library could not be loaded.'));
    };
    const style = document.createElement('link');
    style.rel = 'stylesheet';
    style.href = new URL('./lib/uplot.css', import.meta.url).href;
    document.head.append(style, script);
  });
  return uplotReady;
}

// The range an address asks for: { live, span } ("15m", "90s") or { live: false, from, to }.
export function rangeOf(params) {
  const from = Number(params.get('from')), to = Number(params.get('to'));
  if (params.has('from') && Number.isFinite(from) && to > from) return { live: false, from, to, key: `${from}-${to}` };
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(params.get('range') ?? '') ?? [];
  const span = Math.min(Number(count) * UNITS_MS[unit], MAX_LIVE_MS);
  return span >= MIN_LIVE_MS ? { live: true, span, id: params.get('range'), key: params.get('range') } : { live: true, span: SPANS[0][2], id: SPANS[0][0], key: SPANS[0][0] };
}

const heightFor = (width, main, lanes) => (main ? Math.round(Math.max(220, Math.min(440, width * (lanes > 1 ? 0.28 : 0.42)))) : 170);
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const QUALITY_COLORS = { U: '--warn', B: '--bad', S: '--stale', N: '--stale' };

function timeLabels(u, splits, axis, space, step) {
  let day = '';
  return splits.map((ms) => {
    const clock = step >= 60000 ? formatClock(ms).slice(0, 5) : step >= 1000 ? formatClock(ms) : formatClock(ms, true);
    const date = formatDate(ms);
    const text = step >= 86400000 ? date : date === day ? clock : `${clock}\n${date}`;
    day = date;
    return text;
  });
}

function plotOptions(uPlot, { width, height, data, type, window: view, on }) {
  const text = css('--text'), dim = css('--dim'), line = css('--line'), grid = css('--grid'), series = css('--series-1');
  const bool = kindOf(type) === 'bool';
  const axis = { stroke: dim, grid: { stroke: grid, width: 1 }, ticks: { stroke: line, width: 1, size: 5 }, font: '12px system-ui, sans-serif' };
  return {
    width, height, ms: 1, legend: { show: false }, padding: [10, 14, 0, 0],
    cursor: {
      y: false, sync: { key: 'plantree-trend' }, points: { size: 7, stroke: text, fill: series }, drag: { x: true, y: false, setScale: false },
      bind: { dblclick: () => (event) => { event.preventDefault(); on.live(); return null; } },
    },
    scales: {
      x: { time: true, range: () => view() },
      y: bool ? { range: [-0.15, 1.15] } : { range: (u, low, high) => {
        if (low === null || high === null) return [0, 1];
        const pad = high > low ? (high - low) * 0.08 : Math.max(Math.abs(high) * 0.05, 0.5);
        return [low - pad, high + pad];
      } },
    },
    axes: [
      { ...axis, values: timeLabels, space: 80, size: 40 },
      { ...axis, size: 64, ...(bool ? { splits: () => [0, 1], values: () => ['false', 'true'] } : {}) },
    ],
    series: [{}, {
      stroke: series, width: 1.5, spanGaps: false,
      gaps: (u, s, from, to, gaps) => gaps.map(([left, right]) => [left, right + 1]), // the stair's riser at a gap's end is in the gap
      paths: uPlot.paths.stepped({ align: 1 }), // a value holds until the next: that is report by exception
      points: { size: 4, fill: series }, // shown where there is room between them
    }],
    hooks: {
      setSelect: [(u) => {
        if (u.select.width > 4) on.zoom(u.posToVal(u.select.left, 'x'), u.posToVal(u.select.left + u.select.width, 'x'));
        u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      }],
      setCursor: [(u) => on.cursor(u.cursor.left >= 0 ? u.posToVal(u.cursor.left, 'x') : null)],
      draw: [(u) => {
        const { ctx, bbox } = u;
        ctx.save();
        for (const [from, to, q] of data.bands(view()[1])) {
          const left = Math.max(bbox.left, u.valToPos(from, 'x', true)), right = Math.min(bbox.left + bbox.width, u.valToPos(to, 'x', true));
          if (right < left) continue;
          ctx.fillStyle = css(QUALITY_COLORS[q] ?? '--warn');
          ctx.fillRect(left, bbox.top + bbox.height - 5 * devicePixelRatio, Math.max(2, right - left), 5 * devicePixelRatio);
        }
        ctx.restore();
      }],
    },
  };
}

// A live line reaches to now only as long as its value is known to hold: not beyond a death, not beyond a lost stream.
function holdUntil(plant, path, now) {
  const tag = plant.tags.get(path), stream = plant.stream.value;
  if (quality(tag?.q).level === 'stale') return tag?.staleSince ?? undefined;
  return stream.state === 'open' ? now : Math.min(now, stream.since);
}

// The canvas. Redraws when `data` moved on; rebuilt when size, theme or type change.
function Plot({ path, data, type, unit, range, shown, version, main, lanes, onZoom, onLive, ariaLabel }) {
  const plant = usePlant();
  const columns = () => data.columns(range.live ? holdUntil(plant, path, shown[1]) : undefined);
  const theme = useCell(plant.theme);
  const host = useRef(null);
  const readout = useRef(null);
  const plot = useRef(null);
  const [lib, setLib] = useState(null);
  const [error, setError] = useState(null);
  const [width, setWidth] = useState(0);
  const pick = useRef(() => {});
  const view = useRef(null);
  view.current = () => shown;

  useEffect(() => { loadUplot().then((found) => setLib(() => found), setError); }, []);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry.contentRect.width)));
    observer.observe(host.current);
    return () => observer.disconnect();
  }, []);

  const show = (ms) => {
    const i = ms === null ? -1 : data.indexAt(ms);
    readout.current.textContent = i < 0 ? '' : `${formatTime(data.x[i], true)}   ${data.y[i] === null ? 'no value' : `${formatValue(data.raw[i], type)} ${unit ?? ''}`}   ${quality(data.q[i]).word}`;
  };
  pick.current = show;
  useEffect(() => {
    if (!lib || width < 50) return undefined;
    const options = plotOptions(lib, {
      width, height: heightFor(width, main, lanes), data, type, window: () => view.current(),
      on: { zoom: (a, b) => onZoom.current(a, b), live: () => onLive.current(), cursor: (ms) => pick.current(ms) },
    });
    const u = new lib(options, columns(), host.current);
    plot.current = u;
    const wheel = (event) => {
      if (event.ctrlKey) return;
      event.preventDefault();
      const [from, to] = view.current();
      const at = u.posToVal(event.clientX - u.over.getBoundingClientRect().left, 'x');
      const factor = event.deltaY > 0 ? 1.4 : 1 / 1.4;
      onZoom.current(at - (at - from) * factor, at + (to - at) * factor, true);
    };
    u.over.addEventListener('wheel', wheel, { passive: false });
    return () => {
      plot.current = null;
      u.destroy();
    };
  }, [lib, width, theme, type, range.key, main, lanes > 1]);
  useEffect(() => {
    plot.current?.setData(columns(), true);
  }, [version, shown[1]]);

  return html`<figure class="plot" role="img" aria-label=${ariaLabel}>
    <div class="canvas" ref=${host} data-points=${data.x.length}></div>
    <figcaption class="readout" ref=${readout} aria-hidden="true"></figcaption>
    ${error && html`<${Trouble} error=${error} />`}</figure>`;
}

function Table({ data, type, unit, from, to }) {
  const rows = [];
  for (let i = data.x.length - 1; i >= 0 && rows.length < TABLE_ROWS; i--) if (data.x[i] >= from && data.x[i] <= to) rows.push(i);
  if (!rows.length) return html`<p class="dim">No samples in this time.</p>`;
  const align = kindOf(type) === 'text' || kindOf(type) === 'other' ? 'text' : 'number';
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Samples, newest first"><table class="grid samples">
    <thead><tr><th scope="col">Time</th><th scope="col" class=${align}>Value${unit ? ` in ${unit}` : ''}</th><th scope="col">Quality</th></tr></thead>
    <tbody>${rows.map((i) => html`<tr key=${i}><td><time dateTime=${isoTime(data.x[i])} title=${isoTime(data.x[i])}>${formatTime(data.x[i], true)}</time></td>
      <td class=${align}>${data.raw[i] === null ? html`<span class="dim">no value</span>` : formatValue(data.raw[i], type)}</td>
      <td>${data.q[i] === 'G' ? html`<span class="dim">Good</span>` : html`<${QualityWord} q=${data.q[i]} />`}</td></tr>`)}</tbody></table></div>`;
}

// One tag's samples in the range, kept up to date: read from the host, then fed by the stream.
function useSamples(path, type, range, reload, onError, changed) {
  const plant = usePlant();
  const reconnects = useCell(plant.reconnects);
  const [data] = useState(() => new TrendData());
  const [version, setVersion] = useState(0);
  const [loaded, setLoaded] = useState(null); // key of the range that is shown
  const [again, setAgain] = useState(0);
  const recent = useRef([]);
  const redraw = () => setVersion((n) => n + 1);

  useEffect(() => plant.tags.tap(path, (ms, value, q) => {
    recent.current.push([ms, value, q, plant.clock.now()]);
    if (recent.current.length > RECENT) recent.current.shift();
    if (range.live && data.push(...recent.current.at(-1))) changed.current = true;
  }), [path, range.key]);
  useEffect(() => {
    const abort = new AbortController();
    const now = plant.clock.now();
    const [from, to] = range.live ? [now - range.span, now + 1000] : [range.from, range.to];
    api.history(path, from, to, MAX_POINTS, { signal: abort.signal }).then((series) => {
      data.load(series);
      if (!data.type) data.type = type;
      if (range.live) {
        const tag = plant.tags.get(path);
        // No sample in the window: the value from before it still holds.
        if (!data.x.length && tag?.ms < from) data.push(tag.ms, tag.value, tag.q);
        for (const sample of recent.current) data.push(...sample);
      }
      setLoaded(range.key);
      onError(null);
      redraw();
    }).catch((failure) => failure.name === 'AbortError' || onError(failure));
    return () => abort.abort();
  }, [path, range.key, reload, again, reconnects]);
  useEffect(() => {
    const timer = range.live ? setInterval(() => setAgain((n) => n + 1), RELOAD_MS) : null;
    return () => clearInterval(timer);
  }, [range.key]);
  return { data, version, loaded: loaded === range.key, ever: loaded !== null };
}

const windowOf = (plant, range) => {
  const now = plant.clock.now();
  return range.live ? [now - range.span, now] : [range.from, range.to];
};

// One tag in the trend: its plot or table, and what there is to say about it.
function Lane({ path, range, shown, changed, reload, asTable, main, lanes, onZoom, onLive, onUnpin }) {
  const plant = usePlant();
  const tag = useTag(path);
  const [error, setError] = useState(null);
  const type = tag?.type, unit = tag?.unit;
  const { data, version, loaded, ever } = useSamples(path, type, range, reload, setError, changed);
  const plottable = tag === undefined || isPlottable(type, tag.value);
  const [from, to] = shown;
  if (range.live) data.dropBefore(from);
  const sum = data.summary(from, to);
  const show = (y) => (y === null ? NO_VALUE : `${formatValue(kindOf(type) === 'bool' ? Boolean(y) : y, type)}${unit ? ` ${unit}` : ''}`);
  const count = data.reduced ? `min/max of ${group(String(data.rawCount))} samples` : `${group(String(sum.count))} samples`;
  const words = `${count}, minimum ${show(sum.min)}, maximum ${show(sum.max)}, ${sum.gaps} gaps`;
  const dot = html`<span class="dim"> \u00b7 </span>`;
  return html`<div class=${`lane ${main ? 'first' : ''}`}>
    ${!main && html`<p class="bar lane-name"><a href=${plant.link({ screen: 'browse', path, params: keepTrend(plant.route.value.params) })}>${path}</a>
      <b class="big-enough"><${LiveValue} path=${path} /></b><button class="small" onClick=${() => onUnpin(path)}>Unpin</button></p>`}
    ${error && html`<${Trouble} error=${error} />`}
    ${plottable && !asTable ? html`<${Plot} path=${path} data=${data} type=${type} unit=${unit} range=${range} shown=${shown} version=${version} main=${main} lanes=${lanes}
        onZoom=${onZoom} onLive=${onLive} ariaLabel=${`Trend of ${path}: ${words}`} />`
      : html`<${Table} data=${data} type=${type} unit=${unit} from=${from} to=${to} />`}
    <p class=${`summary ${main ? 'first' : ''}`} data-count=${sum.count} data-loaded=${loaded}>${!ever ? 'Asking the host.'
      : !plottable ? `${group(String(data.rawCount))} samples` : !sum.count ? 'No values in this time.'
      : html`${count}${dot}min <b>${show(sum.min)}</b>${dot}max <b>${show(sum.max)}</b>${dot}${sum.gaps} ${sum.gaps === 1 ? 'gap' : 'gaps'}`}</p>
  </div>`;
}

// What of an address stays when another tag is picked: the range and the pinned tags.
export function keepTrend(params) {
  const kept = { with: params.getAll('with') };
  for (const name of ['range', 'from', 'to']) if (params.has(name)) kept[name] = params.get(name);
  return kept;
}
export const pinnedOf = (params, path) => [...new Set(params.getAll('with'))].filter((other) => other && other !== path).slice(0, MAX_LANES - 1);

export function Trend({ path }) {
  const plant = usePlant();
  const route = useCell(plant.route);
  const stream = useCell(plant.stream);
  const range = rangeOf(route.params);
  const pinned = pinnedOf(route.params, path);
  const isPinned = route.params.getAll('with').includes(path);
  const [reload, setReload] = useState(0);
  const [asTable, setAsTable] = useState(false);
  // One moment for all lanes. Live it moves when a value came, and when none came for a while.
  const [moment, setMoment] = useState(() => plant.clock.now());
  const changed = useRef(false);
  useEffect(() => {
    if (!range.live) return undefined;
    let at = 0;
    const move = () => {
      const now = Date.now();
      if (document.hidden || (!changed.current && now - at < Math.max(1000, range.span / 1000))) return;
      changed.current = false;
      at = now;
      setMoment(plant.clock.now());
    };
    move();
    const timer = setInterval(move, DRAW_MS);
    return () => clearInterval(timer);
  }, [range.key]);
  const shown = range.live ? [moment - range.span, moment] : [range.from, range.to];

  const set = (params, replace = false) => plant.go({ screen: 'browse', path, params: { with: route.params.getAll('with'), ...params }, replace });
  const here = () => keepTrend(route.params);
  const onZoom = useRef(null), onLive = useRef(null);
  onZoom.current = (a, b, replace) => {
    const span = Math.max(MIN_SPAN_MS, Math.min(b - a, MAX_SPAN_MS));
    const middle = Math.min((a + b) / 2, plant.clock.now() - span / 2);
    set({ from: Math.round(middle - span / 2), to: Math.round(middle + span / 2) }, replace && !range.live);
  };
  onLive.current = () => !range.live && set({ range: '15m' });
  const nudge = (shift, factor) => {
    if (range.live && !shift) { // zooming in on now stays live
      const span = Math.round(Math.max(MIN_LIVE_MS, Math.min(range.span * factor, MAX_LIVE_MS)) / 1000);
      const named = SPANS.find(([, , ms]) => ms === span * 1000);
      set({ range: named ? named[0] : `${span}s` });
      return;
    }
    const [from, to] = windowOf(plant, range);
    const span = (to - from) * factor, middle = (from + to) / 2 + shift * (to - from);
    onZoom.current(middle - span / 2, middle + span / 2);
  };
  const pin = () => set({ ...here(), with: isPinned ? route.params.getAll('with').filter((other) => other !== path) : [...pinned, path] });
  const unpin = (other) => set({ ...here(), with: route.params.getAll('with').filter((each) => each !== other) });
  useEffect(() => plant.onKey((key) => key === 't' && pin()), [path, route]);
  // All samples of the range, not the reduced ones on screen.
  const [saving, setSaving] = useState(null);
  const save = async () => {
    setSaving('reading');
    try {
      const [from, to] = windowOf(plant, range);
      const series = await api.history(path, from, to);
      const link = document.createElement('a');
      link.href = URL.createObjectURL(new Blob([csvOf(path, series)], { type: 'text/csv' }));
      link.download = `${path.replaceAll(/[^\w.-]+/g, '_')}.csv`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
      setSaving(null);
    } catch (error) {
      setSaving(error);
    }
  };

  return html`<section class="trend" aria-label="Trend">
    <div class="bar">
      <div class="choice" role="group" aria-label="Time range">${SPANS.map(([id, title]) => html`
        <button aria-pressed=${range.live && range.id === id} onClick=${() => set({ range: id })}>${title}</button>`)}</div>
      <div class="choice" role="group" aria-label="Move and zoom">
        <button title="earlier" aria-label="earlier" onClick=${() => nudge(-0.5, 1)}>\u2190</button>
        <button title="later" aria-label="later" onClick=${() => nudge(0.5, 1)} disabled=${range.live}>\u2192</button>
        <button title="zoom in" aria-label="zoom in" onClick=${() => nudge(0, 0.5)}>+</button>
        <button title="zoom out" aria-label="zoom out" onClick=${() => nudge(0, 2)}>\u2212</button></div>
      <button aria-pressed=${asTable} onClick=${() => setAsTable(!asTable)}>Table</button>
      <button aria-pressed=${isPinned} disabled=${!isPinned && pinned.length + 1 >= MAX_LANES} title="keep this tag in the trend while picking others" onClick=${pin}>Pin</button>
      <button disabled=${saving === 'reading'} title="all samples of this time as a file" onClick=${save}>CSV</button>
      ${!range.live && html`<button onClick=${() => onLive.current()}>Back to live</button>`}
      <span class="dim">${range.live ? `${stream.state === 'open' ? 'live' : 'not live'}, ${formatAge(range.span)}` : `${formatTime(range.from)} to ${formatTime(range.to)}`}</span>
      ${!range.live && html`<button class="small" onClick=${() => setReload(reload + 1)}>Read again</button>`}
    </div>
    ${saving?.message && html`<${Trouble} error=${saving} retry=${save} />`}
    ${[path, ...pinned].map((each, i) => html`<${Lane} key=${each} path=${each} range=${range} shown=${shown} changed=${changed} reload=${reload} asTable=${asTable} main=${i === 0}
      lanes=${pinned.length + 1} onZoom=${onZoom} onLive=${onLive} onUnpin=${unpin} />`)}
  </section>`;
}
