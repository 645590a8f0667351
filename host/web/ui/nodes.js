// nodes.js -- the table of edge nodes and their devices: what each is doing, and what was lost.

import { formatShort, group, isoTime, NO_VALUE } from './fmt.js';
import { RebirthDialog } from './dialogs.js';
import { accountsOf } from './store.js';
import { Age, html, Shape, StateWord, useCell, usePlant, useState } from './ui.js';

const count = (n) => (n === undefined || n === null ? NO_VALUE : group(String(n)));

// Columns: title, what it is sorted by, what it shows. `bad` says when a number is worth a colour.
const COLUMNS = [
  { id: 'name', title: 'Node', key: (n) => `${n.group}/${n.edge}`, text: true },
  { id: 'state', title: 'State', key: (n) => n.state, text: true },
  { id: 'since', title: 'Since', key: (n) => n.since_ms, text: true },
  { id: 'bd', title: 'bdSeq', key: (n) => n.bd_seq, hint: 'birth/death sequence number of the session' },
  { id: 'seq', title: 'Seq', key: (n) => n.seq, hint: 'sequence number of the last message' },
  { id: 'metrics', title: 'Metrics', key: (n) => n.metrics },
  { id: 'gaps', title: 'Gaps', key: (n) => n.seq_gaps, warn: true, hint: 'holes in the sequence: messages that were lost' },
  { id: 'dup', title: 'Dupl.', key: (n) => n.duplicates, hint: 'messages that came twice' },
  { id: 'rebirths', title: 'Rebirths', key: (n) => n.rebirths?.requested, hint: 'how often a rebirth was requested, and why the last time' },
  { id: 'received', title: 'Received', key: (n) => n.samples?.received, hint: 'samples' },
  { id: 'stored', title: 'Stored', key: (n) => n.samples?.stored, hint: 'samples' },
  { id: 'historical', title: 'Historical', key: (n) => n.samples?.historical, hint: 'samples that were sent later' },
  { id: 'duplicate', title: 'Repeated', key: (n) => n.samples?.duplicate, hint: 'samples that were there already' },
  { id: 'rejected', title: 'Rejected', key: (n) => n.samples?.rejected, warn: true, hint: 'samples that could not be used' },
];

function compare(column, up) {
  return (a, b) => {
    const x = column.key(a) ?? -1, y = column.key(b) ?? -1;
    const order = column.text && typeof x === 'string' ? x.localeCompare(y, 'en', { numeric: true }) : Number(x) - Number(y);
    return (up ? order : -order) || `${a.group}/${a.edge}`.localeCompare(`${b.group}/${b.edge}`, 'en', { numeric: true });
  };
}

const When = ({ ms }) => (ms > 0
  ? html`<time dateTime=${isoTime(ms)} title=${isoTime(ms)}>${formatShort(ms, Date.now())}</time> <span class="dim">(<${Age} ms=${ms} />)</span>`
  : NO_VALUE);
const Count = ({ n, warn }) => (warn && Number(n) > 0
  ? html`<span class="quality warn"><${Shape} name="triangle" level="warn" label="attention" />${count(n)}</span>` : count(n));

const Account = ({ title, account }) => account && html`<dt>${title}</dt><dd>${count(account.received)} received =
  ${account.parts.map(([name, n], i) => html`${i > 0 ? ' + ' : ' '}<${Count} n=${n} warn=${name === 'lost here'} /> <span class="dim">${name}</span>`)}
  ${account.open !== 0 && html` <span class="quality warn"><${Shape} name="triangle" level="warn" />${count(account.open)} not accounted for</span>`}</dd>`;

// Everything there is to say about one node's session: where its messages and samples went.
function NodeDetail({ node }) {
  const { messages, samples, rejectedBy } = accountsOf(node);
  const m = node.messages;
  return html`<tr class="node-detail"><td colspan=${COLUMNS.length + 1}><dl class="facts">
    <dt>Session</dt><dd>${count(node.births)} <span class="dim">births,</span> ${count(node.deaths)} <span class="dim">deaths</span>${node.last_message_ms > 0 && html`<span class="dim">, last
      message </span><${Age} ms=${node.last_message_ms} /> <span class="dim">ago</span>`}${Math.abs(node.clock_skew_ms) >= 1 && html`<span class="dim">, its clock is </span>${
      count(Math.abs(node.clock_skew_ms))} ms <span class="dim">${node.clock_skew_ms < 0 ? 'behind' : 'ahead'}</span>`}</dd>
    <${Account} title="Messages" account=${messages} />
    ${m && html`<dt>Sequence</dt><dd>${count(m.expected)} <span class="dim">expected,</span> <${Count} n=${m.missing} warn /> <span class="dim">missing in</span> ${count(node.seq_gaps)} <span
      class="dim">gaps,</span> ${count(m.reordered)} <span class="dim">came out of order,</span> ${count(node.duplicates)} <span class="dim">twice</span></dd>`}
    <${Account} title="Samples" account=${samples} />
    ${rejectedBy.length > 0 && html`<dt>Rejected</dt><dd>${rejectedBy.map((r, i) => html`${i > 0 && ', '}${r.reason} <span class="dim">${count(r.messages)} messages, ${count(r.samples)} samples</span>`)}</dd>`}
  </dl></td></tr>`;
}

function NodeRows({ node, ask }) {
  const [open, setOpen] = useState(false);
  const cause = node.rebirths?.last_cause;
  return html`
    <tr class=${node.state} data-node=${`${node.group}/${node.edge}`}>
      <th scope="row"><button class="plain" aria-expanded=${open} onClick=${() => setOpen(!open)}><${Shape} name=${open ? 'open' : 'closed'} /> <span
        class="dim">${node.group}/</span>${node.edge}</button></th>
      <td><${StateWord} state=${node.state} /></td>
      <td><${When} ms=${node.since_ms} /></td>
      ${COLUMNS.slice(3).map((column) => html`<td class="number"><${Count} n=${column.key(node)} warn=${column.warn} />
        ${column.id === 'rebirths' && cause && html`<span class="dim cause"> ${cause}</span>`}</td>`)}
      <td class="action"><button class="small" disabled=${node.state !== 'online'} onClick=${() => ask(node)}>Rebirth\u2026</button></td>
    </tr>
    ${open && html`<${NodeDetail} node=${node} />`}
    ${(node.devices ?? []).map((device) => html`<tr class=${`device ${device.state}`} key=${device.device}>
      <th scope="row"><span class="dim">device</span> ${device.device}</th>
      <td><${StateWord} state=${device.state} /></td>
      <td><${When} ms=${device.since_ms} /></td>
      <td></td><td></td><td class="number">${count(device.metrics)}</td><td colspan=${COLUMNS.length - 6}></td><td class="action"></td>
    </tr>`)}`;
}

export function Nodes() {
  const plant = usePlant();
  const nodes = useCell(plant.nodes);
  const [sort, setSort] = useState({ id: 'name', up: true });
  const [asking, setAsking] = useState(null);
  const [notice, setNotice] = useState(null);
  const column = COLUMNS.find((c) => c.id === sort.id);
  const sorted = [...(nodes ?? [])].sort(compare(column, sort.up));
  const order = (id) => (id === sort.id ? (sort.up ? 'ascending' : 'descending') : 'none');

  return html`<section class="screen" aria-labelledby="nodes-title">
    <h1 id="nodes-title">Nodes</h1>
    ${notice && html`<p role="status" class="notice">${notice}</p>`}
    ${nodes === null ? html`<p class="dim">Asking the host.</p>`
      : !nodes.length ? html`<p class="dim">No edge node has been seen yet. One appears here with its first birth message.</p>`
      : html`<div class="scroll" tabindex="0" role="region" aria-label="Table of nodes"><table class="grid nodes">
        <thead><tr>${COLUMNS.map((c) => html`<th scope="col" class=${c.text ? '' : 'number'} aria-sort=${order(c.id)}>
          <button class="plain" title=${c.hint} onClick=${() => setSort({ id: c.id, up: sort.id === c.id ? !sort.up : Boolean(c.text) })}>
            ${c.title}<span class="arrow" aria-hidden="true">${sort.id === c.id ? (sort.up ? '\u2191' : '\u2193') : ''}</span></button></th>`)}
          <th scope="col" class="action"><span class="hidden">Actions</span></th></tr></thead>
        <tbody>${sorted.map((node) => html`<${NodeRows} key=${`${node.group}/${node.edge}`} node=${node} ask=${setAsking} />`)}</tbody>
      </table></div>`}
    ${asking && html`<${RebirthDialog} node=${asking} onClose=${() => setAsking(null)} onDone=${setNotice} />`}
  </section>`;
}
