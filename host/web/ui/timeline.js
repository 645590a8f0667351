// timeline.js -- one line per node and device: when it was up, and what happened to it.

import { api } from './api.js';
import { describe, levelOf, mergeEvents } from './event-list.js';
import { formatClock, formatDate, formatTime } from './fmt.js';
import { clustersOf, gridTimes, timelineOf, uptime } from './timeline-model.js';
import { html, Shape, Trouble, useCell, useEffect, usePlant, useState } from './ui.js';

const SPANS = [['1h', '1 h', 3600e3], ['8h', '8 h', 8 * 3600e3], ['24h', '24 h', 86400e3], ['7d', '7 days', 7 * 86400e3]];
const MAX_ROWS = 400;
const MARK_GAP = 0.028;  // of the range: marks closer than that share one, so that each can be hit
const MAX_PICKED = 12;
const WORDS = { online: 'online', offline: 'offline', unknown: 'not known' };

const worst = (ticks) => ['bad', 'warn'].find((level) => ticks.some((tick) => levelOf(tick.event) === level)) ?? '';
const markTitle = ({ at, ticks }) => `${formatTime(at)} ${ticks[0].type}${ticks.length > 1 ? ` and ${ticks.length - 1} more` : ''}`;

export function Timeline() {
  const plant = usePlant();
  const nodes = useCell(plant.nodes);
  const live = useCell(plant.liveEvents);
  const route = useCell(plant.route);
  const reconnects = useCell(plant.reconnects), writes = useCell(plant.writes);
  useCell(plant.clock);
  const [read, setRead] = useState(null);
  const [error, setError] = useState(null);
  const [attempt, setAttempt] = useState(0);
  const [picked, setPicked] = useState(null);
  const [id, , span] = SPANS.find(([each]) => each === route.params.get('last')) ?? SPANS[1];
  useEffect(() => {
    const abort = new AbortController();
    const now = plant.clock.now();
    api.events({ from: Math.round(now - span), to: Math.round(now + 60000) }, { signal: abort.signal })
      .then((rows) => { setRead(rows); setError(null); })
      .catch((failure) => failure.name === 'AbortError' || setError(failure));
    return () => abort.abort();
  }, [id, attempt, reconnects, writes]);

  const to = plant.clock.now(), from = to - span;
  const rows = timelineOf(nodes ?? [], mergeEvents(live, read ?? []), from, to).slice(0, MAX_ROWS);
  const at = (ms) => `${(Math.max(from, Math.min(ms, to)) - from) / span * 100}%`;
  const times = gridTimes(from, to);
  const barTitle = (bar) => `${WORDS[bar.state] ?? bar.state}: ${formatTime(bar.from)} to ${formatTime(bar.to)}`;

  return html`<section class="screen" aria-labelledby="timeline-title">
    <h1 id="timeline-title">Timeline</h1>
    <div class="bar"><div class="choice" role="group" aria-label="Time range">${SPANS.map(([each, title]) => html`
        <button aria-pressed=${each === id} onClick=${() => plant.go({ screen: 'timeline', params: { last: each } })}>${title}</button>`)}</div>
      <span class="key"><i class="bar-online"></i> online</span><span class="key"><i class="bar-offline"></i> offline</span><span class="key"><i class="bar-unknown"></i> not known</span>
      <span class="dim">marks: gaps, rebirths, writes</span></div>
    ${error && html`<${Trouble} error=${error} retry=${() => setAttempt(attempt + 1)} />`}
    ${nodes === null || (read === null && !error) ? html`<p class="dim">Asking the host.</p>` : !rows.length ? html`<p class="dim">No edge node has been seen yet.</p>` : html`
    <div class="scroll timeline" tabindex="0" role="region" aria-label="Timeline of nodes and devices">
      ${rows.map((row) => html`<div class=${`lifeline ${row.device ? 'device' : ''}`} key=${row.key} data-row=${row.key}>
        <span class="who" title=${row.key}>${row.device ? html`<span class="dim">device</span> ${row.device}` : row.key}</span>
        <div class="bars" role="img" aria-label=${`${row.key}: ${row.bars.map(barTitle).join('; ')}`}>
          ${times.map((t) => html`<i class="grid-line" style=${{ left: at(t) }}></i>`)}
          ${row.bars.map((bar) => html`<i class=${`life bar-${bar.state}`} title=${barTitle(bar)} style=${{ left: at(bar.from), width: `${(bar.to - bar.from) / span * 100}%` }}></i>`)}
        </div>
        ${row.ticks.length > 0 && html`<div class="ticks">${clustersOf(row.ticks, span * MARK_GAP).map((mark) => html`<button class=${`tick ${worst(mark.ticks)} ${mark.ticks.length > 1 ? 'many' : ''}`} style=${{ left: at(mark.at) }}
          title=${markTitle(mark)} aria-label=${`${row.key} ${markTitle(mark)}`} onClick=${() => setPicked(mark.ticks.map((tick) => tick.event))}></button>`)}</div>`}
        <span class="up dim">${Number.isNaN(uptime(row.bars)) ? '' : `${(Math.floor(uptime(row.bars) * 1000) / 10).toFixed(1)} %`}</span>
      </div>`)}
      <div class="lifeline axis" aria-hidden="true"><span class="who"></span><div class="bars">${times.map((t) => html`<span class="when" style=${{ left: at(t) }}>${
        span > 2 * 86400e3 ? formatDate(t).slice(5) : formatClock(t).slice(0, 5)}</span>`)}</div><span class="up"></span></div>
    </div>`}
    <div class="picked" role="status">${!picked ? html`<p class="dim">Pick a mark to see what happened.</p>` : html`
      ${picked.slice(0, MAX_PICKED).map((event) => html`<p>${levelOf(event) && html`<${Shape} name=${levelOf(event) === 'bad' ? 'square' : 'triangle'} level=${levelOf(event)} /> `}
        ${formatTime(event.time_ms, true)} <b>${event.type}</b> ${event.node}${event.device ? `/${event.device}` : ''} <span class="dim">${event.path ?? ''} ${describe(event)}</span></p>`)}
      ${picked.length > MAX_PICKED && html`<p class="dim">and ${picked.length - MAX_PICKED} more; Events lists all.</p>`}`}</div>
  </section>`;
}
