// detail.js -- the right side of Browse: a tag now and over time, or what a folder holds.

import { api } from './api.js';
import { WriteDialog } from './dialogs.js';
import { exactNumber, formatTime, formatValue, isoTime, quality } from './fmt.js';
import { pinnedOf, Trend } from './trend.js';
import { Age, html, LiveValue, QualityWord, Trouble, useCell, useEffect, usePlant, useState, useTag } from './ui.js';

const CHILD_LIMIT = 500;

function Path({ path }) {
  const plant = usePlant();
  const [copied, setCopied] = useState(false);
  const parts = path.split('/');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(path);
    } catch { // no clipboard on insecure origins: the selection is the next best thing
      getSelection().selectAllChildren(document.getElementById('the-path'));
      return;
    }
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  return html`<div class="crumbs"><span id="the-path">${parts.map((part, i) => html`${i > 0 && html`<span class="dim">/</span>`}${i < parts.length - 1
      ? html`<a href=${plant.link({ screen: 'browse', path: parts.slice(0, i + 1).join('/') })}>${part}</a>` : html`<strong>${part}</strong>`}`)}</span>
    <button class="small" onClick=${copy}>${copied ? 'Copied' : 'Copy path'}</button></div>`;
}

function TagDetail({ path }) {
  const plant = usePlant();
  const tag = useTag(path);
  const [error, setError] = useState(null);
  const [writing, setWriting] = useState(false);
  const [spoken, setSpoken] = useState('');
  const reconnects = useCell(plant.reconnects);
  const shown = [path, ...pinnedOf(useCell(plant.route).params, path)];
  useEffect(() => {
    plant.show('detail', shown);
    return () => plant.show('detail', []);
  }, [shown.join('\n')]);
  useEffect(() => {
    const abort = new AbortController();
    const pinned = shown.slice(1);
    Promise.all([api.tag(path, { signal: abort.signal }), pinned.length ? api.values(pinned, { signal: abort.signal }) : []])
      .then(([tag, others]) => { plant.tags.applyRead([tag, ...others]); setError(null); })
      .catch((failure) => failure.name === 'AbortError' || setError(failure));
    return () => abort.abort();
  }, [shown.join('\n'), reconnects]);
  useEffect(() => plant.onKey((key) => {
    if (key === 'w' && plant.tags.get(path)?.writable !== false) setWriting(true);
    if (key === 's') {
      const now = plant.tags.get(path);
      setSpoken(now ? `${formatValue(now.value, now.type, now.decimals)} ${now.unit ?? ''}, ${quality(now.q).word}` : 'no value');
    }
  }), [path]);

  const about = tag?.about;
  const exact = tag && typeof tag.value === 'number' ? exactNumber(tag.value, tag.type) : null;
  return html`
    <${Path} path=${path} />
    ${error && html`<${Trouble} error=${error} />`}
    <div class=${`now ${quality(tag?.q).level}`}>
      <div class="big" id="now-value" title=${exact}><${LiveValue} path=${path} /></div>
      <dl class="facts">
        <dt>Quality</dt><dd><${QualityWord} q=${tag?.q} />${tag?.q === 'S' && tag.staleSince ? html`<span class="dim"> since ${formatTime(tag.staleSince)}</span>` : null}</dd>
        <dt>Time</dt><dd>${tag?.ms ? html`<time dateTime=${isoTime(tag.ms)} title=${isoTime(tag.ms)}>${formatTime(tag.ms, true)}</time><span class="dim">, <${Age} ms=${tag.ms} /> ago</span>` : '\u2013'}</dd>
        <dt>Type</dt><dd>${tag?.type ?? '\u2013'}${tag?.writable === false && html`<span class="dim">, read-only</span>`}<span class="dim">, tag ${tag?.id ?? '\u2013'}</span></dd>
        ${about && html`<dt>Source</dt><dd>${[about.source.group, about.source.edge, about.source.device].filter(Boolean).join('/')} <span class="dim">metric</span> ${about.source.metric}</dd>`}
        ${about?.description && html`<dt>About</dt><dd>${about.description}</dd>`}
      </dl>
      <button class="write" disabled=${!tag || tag.writable === false} title=${tag?.writable === false ? 'the node says that this tag is read-only' : null} onClick=${() => setWriting(true)}>Write\u2026</button>
    </div>
    <p class="hidden" role="status">${spoken}</p>
    ${tag && html`<${Trend} path=${path} />`}
    ${writing && html`<${WriteDialog} path=${path} onClose=${() => setWriting(false)} />`}`;
}

// A folder: what is directly below it, tags with their values.
function FolderDetail({ path, items }) {
  const plant = usePlant();
  const shown = items.slice(0, CHILD_LIMIT);
  useEffect(() => {
    plant.show('detail', [`${path}/*`]);
    return () => plant.show('detail', []);
  }, [path]);
  return html`
    <${Path} path=${path} />
    <table class="grid children"><thead><tr><th scope="col">Name</th><th scope="col" class="number">Value</th><th scope="col">State</th></tr></thead>
      <tbody>${shown.map((item) => html`<tr key=${item.path}>
        <td><a href=${plant.link({ screen: 'browse', path: item.path })}>${item.name}</a></td>
        <td class="number">${item.tag_id ? html`<${LiveValue} path=${item.path} />` : html`<span class="dim">${item.children} below</span>`}</td>
        <td>${item.state === 'live' ? html`<span class="dim">live</span>` : html`<span class="quality stale">${item.state ?? ''}</span>`}</td></tr>`)}</tbody></table>
    ${items.length > CHILD_LIMIT && html`<p class="dim">The first ${CHILD_LIMIT} of ${items.length}; the tree shows all.</p>`}`;
}

export function Detail({ path, parent }) {
  const plant = usePlant();
  const { tree } = plant;
  useCell(tree.version);
  const item = tree.item(path);
  const known = tree.model.isLoaded(parent);
  const isTag = Boolean(item?.tag_id);
  // A folder picked by its address has to be read even when the tree shows it closed.
  useEffect(() => { if (item && !isTag && !tree.items(path)) tree.read(path); }, [item, isTag, path, tree.items(path) === undefined]);

  if (isTag) return html`<${TagDetail} path=${path} />`;
  if (item) return tree.items(path) ? html`<${FolderDetail} path=${path} items=${tree.items(path)} />` : html`<${Path} path=${path} /><p class="dim">Asking the host.</p>`;
  return html`<${Path} path=${path} /><p class="dim">${known ? 'There is nothing at this path now.' : 'Asking the host.'}</p>`;
}
