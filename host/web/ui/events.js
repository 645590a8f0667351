// events.js -- what happened: births, deaths, gaps, writes, newest first, growing while it is looked at.

import { api } from './api.js';
import { describe, levelOf, MAX_ROWS, mergeEvents } from './event-list.js';
import { formatClock, formatDate, isoTime } from './fmt.js';
import { html, Shape, Trouble, useCell, useEffect, usePlant, useState } from './ui.js';

const SPANS = [['1h', 'Last hour', 3600e3], ['8h', '8 hours', 8 * 3600e3], ['24h', '24 hours', 86400e3], ['7d', '7 days', 7 * 86400e3]];

export function Events() {
  const plant = usePlant();
  const live = useCell(plant.liveEvents);
  const route = useCell(plant.route);
  const reconnects = useCell(plant.reconnects), writes = useCell(plant.writes);
  const [read, setRead] = useState(null);
  const [error, setError] = useState(null);
  const [attempt, setAttempt] = useState(0);
  const span = SPANS.find(([id]) => id === route.params.get('last')) ?? SPANS[2];
  const type = route.params.get('type') ?? '';
  const text = route.params.get('text') ?? '';
  useEffect(() => {
    const abort = new AbortController();
    const now = plant.clock.value;
    api.events({ from: Math.round(now - span[2]), to: Math.round(now + 60000) }, { signal: abort.signal })
      .then((rows) => { setRead(rows); setError(null); })
      .catch((failure) => failure.name === 'AbortError' || setError(failure));
    return () => abort.abort();
  }, [span[0], attempt, reconnects, writes]);

  const since = plant.clock.value - span[2];
  const all = mergeEvents(live.filter((event) => event.time_ms >= since), read ?? []);
  const types = [...new Set(all.map((event) => event.type))].sort();
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = all.filter((event) => (!type || event.type === type) && words.every((word) =>
    `${event.type} ${event.node ?? ''} ${event.device ?? ''} ${event.path ?? ''} ${describe(event)}`.toLowerCase().includes(word)));
  const set = (changes) => plant.go({ screen: 'events', params: { last: span[0], type, text, ...changes }, replace: true });

  return html`<section class="screen" aria-labelledby="events-title">
    <h1 id="events-title">Events</h1>
    <div class="bar">
      <div class="choice" role="group" aria-label="Time range">${SPANS.map(([id, title]) => html`
        <button aria-pressed=${id === span[0]} onClick=${() => set({ last: id })}>${title}</button>`)}</div>
      <label>Type <select value=${type} onChange=${(e) => set({ type: e.target.value })}>
        <option value="">all</option>${[...new Set([...types, ...(type ? [type] : [])])].map((t) => html`<option value=${t}>${t}</option>`)}</select></label>
      <label>Text <input type="search" value=${text} onInput=${(e) => set({ text: e.target.value })} /></label>
      <span class="dim">${rows.length === MAX_ROWS ? `newest ${MAX_ROWS}` : `${rows.length} ${rows.length === 1 ? 'event' : 'events'}`}</span>
    </div>
    ${error && html`<${Trouble} error=${error} retry=${() => setAttempt(attempt + 1)} />`}
    ${read === null && !error ? html`<p class="dim">Asking the host.</p>` : !rows.length ? html`<p class="dim">Nothing in this time.</p>` : html`
      <div class="scroll" tabindex="0" role="region" aria-label="Table of events"><table class="grid events">
        <thead><tr><th scope="col">Time</th><th scope="col">Event</th><th scope="col">Node</th><th scope="col">Device</th><th scope="col">Detail</th></tr></thead>
        <tbody>${rows.map((event) => html`<tr key=${`${event.time_ms} ${event.type} ${event.node} ${event.device} ${event.path}`} data-type=${event.type}>
          <td><time dateTime=${isoTime(event.time_ms)} title=${isoTime(event.time_ms)}><span class="dim">${formatDate(event.time_ms)}</span> ${formatClock(event.time_ms, true)}</time></td>
          <td><span class=${`quality ${levelOf(event)}`}>${levelOf(event) && html`<${Shape} name=${levelOf(event) === 'bad' ? 'square' : 'triangle'} level=${levelOf(event)} />`}${event.type}</span></td>
          <td>${event.node ?? ''}</td><td>${event.device ?? ''}</td>
          <td class="detail">${event.path && html`<a href=${plant.link({ screen: 'browse', path: event.path })}>${event.path}</a> `}${describe(event)}</td>
        </tr>`)}</tbody></table></div>`}
  </section>`;
}
