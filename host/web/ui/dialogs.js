// dialogs.js -- modal dialogs: write a value, request a rebirth, help. <dialog> gives the focus trap and Escape.

import { api } from './api.js';
import { formatAge, formatValue, isoTime, kindOf, quality, valueLiteral } from './fmt.js';
import { html, QualityWord, Shape, useCell, useEffect, usePlant, useRef, useState, useTag } from './ui.js';

export function Modal({ title, onClose, children }) {
  const dialog = useRef(null);
  useEffect(() => {
    const before = document.activeElement;
    dialog.current.showModal();
    return () => before?.isConnected && before.focus();
  }, []);
  return html`<dialog ref=${dialog} aria-labelledby="dialog-title" onClose=${onClose}>
    <h2 id="dialog-title">${title}</h2>${children}</dialog>`;
}

// Known on insecure origins too, where crypto.randomUUID is not.
const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, '0')).join('');

const OUTCOMES = {
  confirmed: ['', 'Confirmed', 'The plant reports the value that was written.'],
  deviates: ['warn', 'Deviates', 'The plant reports another value than the one written.'],
  timeout: ['warn', 'No answer', 'Nothing came back in time. The value may or may not have arrived.'],
  refused: ['bad', 'Refused', 'The host did not send it.'],
  failed: ['bad', 'Failed', 'The request could not be made; it is not known whether it was sent.'],
};
const PENDING = ['requested', 'sent', 'pending'];
const POLL_MS = 500;
const POLLS = 40;

// What the host says besides the state.
function explain({ state, detail, reported }) {
  const words = detail ? [typeof detail === 'string' ? detail : JSON.stringify(detail)] : [];
  if (state === 'deviates' && reported !== undefined) words.push(`It reports ${JSON.stringify(reported)}.`);
  return words.join(' ');
}

// Sends and follows a write until the host says what became of it. -> { state, detail }
async function performWrite(path, json, reason, key, onState) {
  try {
    let { body } = await api.write(path, json, reason, key);
    for (let i = 0; i < POLLS && PENDING.includes(body?.state); i++) {
      onState(body.state);
      await new Promise((done) => setTimeout(done, POLL_MS));
      body = await api.writeState(body.id);
    }
    return OUTCOMES[body?.state] ? { state: body.state, detail: explain(body) } : { state: 'timeout', detail: `last state: ${body?.state ?? 'none'}` };
  } catch (error) {
    return { state: error.status >= 400 && error.status < 500 ? 'refused' : 'failed', detail: error.message };
  }
}

// Two steps, then the truth. Sparkplug has no acknowledgement of a write: only a newer value is one.
export function WriteDialog({ path, onClose }) {
  const tag = useTag(path);
  const { clock } = usePlant();
  const now = useCell(clock);
  const [text, setText] = useState('');
  const [reason, setReason] = useState('');
  const [step, setStep] = useState('edit'); // edit -> review -> sent -> done
  const [error, setError] = useState(null);
  const [result, setResult] = useState(null);
  const key = useRef(newKey());
  const input = useRef(null);
  const next = useRef(null);
  useEffect(() => (step === 'edit' ? input : next).current?.focus(), [step]);

  const type = tag?.type;
  const unit = tag?.unit ?? '';
  const literal = valueLiteral(text, type);
  const shown = tag ? formatValue(tag.value, type, tag.decimals) : 'unknown';
  const review = (event) => {
    event.preventDefault();
    if (literal.error) return setError(`The value must be ${literal.error}.`);
    if (!reason.trim()) return setError('A reason is needed: it goes into the record.');
    setError(null);
    setStep('review');
  };
  const send = async () => {
    setStep('sent');
    setResult(await performWrite(path, literal.json, reason.trim(), key.current, () => {}));
    setStep('done');
  };
  const again = () => {
    key.current = newKey();
    setResult(null);
    setStep('edit');
  };
  const [level, word, meaning] = OUTCOMES[result?.state] ?? [];

  return html`<${Modal} title="Write a value" onClose=${onClose}>
    <p class="path">${path}</p>
    <dl class="facts">
      <dt>Now</dt><dd><span class="value">${shown}</span> <span class="unit">${unit}</span></dd>
      <dt>Quality</dt><dd><${QualityWord} q=${tag?.q} />${tag?.ms ? html`<span class="dim">, ${formatAge(now - tag.ms)} old</span>` : null}</dd>
      <dt>Type</dt><dd>${type ?? 'unknown'}</dd>
      ${Number.isFinite(tag?.about?.low) && html`<dt>Range</dt><dd>${tag.about.low} to ${tag.about.high} <span class="unit">${unit}</span></dd>`}
      ${tag?.about && html`<dt>Goes to</dt><dd>${[tag.about.source.group, tag.about.source.edge, tag.about.source.device].filter(Boolean).join('/')}</dd>`}
    </dl>
    ${tag && quality(tag.q).level === 'stale' && step !== 'done' && html`<p class="trouble"><${Shape} name="clock" level="stale" />
      The source is not live. The host refuses writes to it.</p>`}
    ${step === 'edit' && html`<form onSubmit=${review}>
      <label>New value${unit && ` in ${unit}`}
        ${kindOf(type) === 'bool'
          ? html`<select ref=${input} name="value" value=${text} onChange=${(e) => setText(e.target.value)}>
              <option value="">choose</option><option>true</option><option>false</option></select>`
          : html`<input ref=${input} name="value" value=${text} autocomplete="off" onInput=${(e) => setText(e.target.value)} />`}</label>
      <label>Reason<input name="reason" value=${reason} autocomplete="off" maxlength="500" onInput=${(e) => setReason(e.target.value)} /></label>
      ${error && html`<p class="trouble" role="alert"><${Shape} name="triangle" level="warn" /> ${error}</p>`}
      <p class="buttons"><button type="button" onClick=${onClose}>Cancel</button><button class="main">Review</button></p>
    </form>`}
    ${step === 'review' && html`<div class="review">
      <p>This goes to the plant:</p>
      <p class="change"><span class="value">${shown}</span> <span class="dim">becomes</span> <strong class="value">${text.trim() || '(empty)'}</strong> <span class="unit">${unit}</span></p>
      <p class="dim">Reason: ${reason}</p>
      <p class="buttons"><button onClick=${() => setStep('edit')}>Back</button><button class="main" ref=${next} onClick=${send}>Send</button></p>
    </div>`}
    ${step === 'sent' && html`<p role="status">Sent. Waiting until the plant reports the value. Until then it is not done.</p>`}
    ${step === 'done' && html`<div class="outcome" role="status">
      <p class=${`quality ${level}`} data-state=${result.state}>${level && html`<${Shape} name=${level === 'bad' ? 'square' : 'triangle'} level=${level} />`}<strong>${word}</strong></p>
      <p>${meaning}</p>${result.detail && html`<p class="dim">${result.detail}</p>`}
      <p class="buttons"><button onClick=${again}>Write again</button><button class="main" ref=${next} onClick=${onClose}>Close</button></p>
    </div>`}
  <//>`;
}

export function RebirthDialog({ node, onClose, onDone }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const name = `${node.group}/${node.edge}`;
  const send = async () => {
    setBusy(true);
    try {
      await api.rebirth(node);
      onDone(`Rebirth requested from ${name} at ${isoTime(Date.now()).slice(11, 19)} UTC.`);
      onClose();
    } catch (failure) {
      setError(failure.message);
      setBusy(false);
    }
  };
  return html`<${Modal} title="Request a rebirth" onClose=${onClose}>
    <p class="path">${name}</p>
    <p>The node is asked to send its birth and those of its devices again: ${node.metrics} metrics. Values stay as they are.
      On a slow network a big birth takes its time.</p>
    ${error && html`<p class="trouble" role="alert"><${Shape} name="triangle" level="warn" /> ${error}</p>`}
    <p class="buttons"><button onClick=${onClose}>Cancel</button><button class="main" disabled=${busy} onClick=${send}>Request rebirth</button></p>
  <//>`;
}

const KEYS = [
  ['/', 'search in the tree'], ['Up Down Home End', 'move in the tree'], ['Right Left', 'open, close, go in, go out'],
  ['Enter', 'show the row'], ['w', 'write the shown tag'], ['t', 'pin the shown tag in the trend'], ['s', 'speak the shown value (screen readers)'],
  ['g b', 'go to Browse'], ['g n', 'go to Nodes'], ['g t', 'go to Timeline'], ['g e', 'go to Events'], ['Esc', 'leave a dialog or the search'], ['?', 'this help'],
];
export function HelpDialog({ onClose, licenses }) {
  return html`<${Modal} title="Keys" onClose=${onClose}>
    <dl class="keys">${KEYS.map(([keys, what]) => html`<dt>${keys.split(' ').map((k) => html`<kbd>${k}</kbd> `)}</dt><dd>${what}</dd>`)}</dl>
    <p class="dim">In a trend: drag to zoom, wheel to zoom at the cursor, double click for live, the browser's Back for the view before.</p>
    <p class="dim"><a href=${licenses}>Licences of the libraries used</a></p>
    <p class="buttons"><button class="main" autofocus onClick=${onClose}>Close</button></p>
  <//>`;
}
