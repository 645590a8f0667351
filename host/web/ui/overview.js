// overview.js -- the whole plant at a glance, beside the tree while nothing is picked: one line per group, what is wrong,
// what went wrong lately. When all is well this is a grey page.

import { api } from './api.js';
import { describe, levelOf, mergeEvents } from './event-list.js';
import { formatShort, group as grouped, isoTime } from './fmt.js';
import { Age, html, Shape, useCell, useEffect, usePlant, useState } from './ui.js';

const LOOK_BACK_MS = 8 * 3600e3;
const SHOWN = 12;

// Nodes of one Sparkplug group: how many of them and of their devices are up.
export function groupsOf(nodes) {
  const groups = new Map();
  for (const node of nodes) {
    const sum = groups.get(node.group) ?? { name: node.group, nodes: 0, online: 0, devices: 0, devicesOnline: 0, metrics: 0, gaps: 0, down: [] };
    groups.set(node.group, sum);
    sum.nodes++;
    sum.metrics += Number(node.metrics ?? 0);
    sum.gaps += Number(node.seq_gaps ?? 0);
    if (node.state === 'online') sum.online++;
    else sum.down.push({ name: node.edge, since: node.since_ms });
    for (const device of node.devices ?? []) {
      sum.devices++;
      if (device.state === 'online') sum.devicesOnline++;
      else if (node.state === 'online') sum.down.push({ name: `${node.edge}/${device.device}`, since: device.since_ms });
    }
  }
  return [...groups.values()].sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
}

const Part = ({ up, all }) => (up === all ? html`${all}` : html`<span class="quality bad"><${Shape} name="square" level="bad" />${up} of ${all}</span>`);

export function Overview() {
  const plant = usePlant();
  const nodes = useCell(plant.nodes);
  const live = useCell(plant.liveEvents);
  const reconnects = useCell(plant.reconnects), writes = useCell(plant.writes);
  const [read, setRead] = useState([]);
  useEffect(() => {
    const abort = new AbortController();
    const now = plant.clock.now();
    api.events({ from: Math.round(now - LOOK_BACK_MS), to: Math.round(now + 60000) }, { signal: abort.signal }).then(setRead, () => {});
    return () => abort.abort();
  }, [reconnects, writes]);
  const groups = groupsOf(nodes ?? []);
  const problems = mergeEvents(live, read).filter((event) => levelOf(event)).slice(0, SHOWN);

  return html`<h1>Plant</h1>
    ${nodes === null ? html`<p class="dim">Asking the host.</p>` : !nodes.length ? html`<p class="dim">No edge node has been seen yet.</p>` : html`
    <table class="grid overview"><thead><tr><th scope="col">Group</th><th scope="col" class="number">Nodes online</th><th scope="col" class="number">Devices online</th>
      <th scope="col" class="number">Metrics</th><th scope="col">Down</th></tr></thead>
      <tbody>${groups.map((g) => html`<tr key=${g.name}><th scope="row">${g.name}</th>
        <td class="number"><${Part} up=${g.online} all=${g.nodes} /></td><td class="number"><${Part} up=${g.devicesOnline} all=${g.devices} /></td>
        <td class="number">${grouped(String(g.metrics))}</td>
        <td class="detail">${g.down.length ? g.down.slice(0, 8).map((d) => html`<span class="down">${d.name} <span class="dim">for <${Age} ms=${d.since} /></span></span>`) : html`<span class="dim">none</span>`}</td></tr>`)}</tbody></table>`}
    <h2 class="later">Problems in the last 8 hours</h2>
    ${problems.length ? html`<table class="grid"><tbody>${problems.map((event) => html`<tr key=${`${event.time_ms} ${event.type} ${event.node} ${event.device}`}>
        <td><time dateTime=${isoTime(event.time_ms)} title=${isoTime(event.time_ms)}>${formatShort(event.time_ms, plant.clock.now())}</time></td>
        <td><span class=${`quality ${levelOf(event)}`}><${Shape} name=${levelOf(event) === 'bad' ? 'square' : 'triangle'} level=${levelOf(event)} />${event.type}</span></td>
        <td class="detail">${event.node ?? ''}${event.device ? `/${event.device}` : ''} <span class="dim">${describe(event)}</span></td></tr>`)}</tbody></table>`
      : html`<p class="dim">None.</p>`}
    <p class="dim later">Pick a tag in the tree to see its value and its trend. Press ? for the keys.</p>`;
}
