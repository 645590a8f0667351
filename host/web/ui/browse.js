// browse.js -- the tree on the left, what was picked on the right.
//
// The tree is an ARIA tree with a roving tabindex; only the rows on screen (and the one with the focus) are mounted.

import { api } from './api.js';
import { Detail } from './detail.js';
import { Overview } from './overview.js';
import { keepTrend } from './trend.js';
import { parentOf, ROW_HEIGHT, selectionFor, visibleRange } from './tree-model.js';
import { Age, html, LiveValue, Shape, Trouble, useCell, useEffect, useLayoutEffect, usePlant, useRef, useState, useTag } from './ui.js';

const SEARCH_WAIT_MS = 200;
const SEARCH_LIMIT = 500;
const WHOLE_TREE_MS = 30000; // how long a whole tree read for searching is good for
const DEPTH = 64;

function RowAge({ path }) {
  const tag = useTag(path);
  return tag?.q === 'S' && tag.ms ? html`<${Age} ms=${tag.staleSince ?? tag.ms} />` : null;
}

function Row({ row, index, cursor, selected, label, onPick, onToggle }) {
  return html`<div class=${`row ${row.state ?? ''} ${selected ? 'selected' : ''}`} role="treeitem" data-path=${row.path}
      aria-level=${row.depth + 1} aria-setsize=${row.size} aria-posinset=${row.pos} aria-selected=${selected}
      aria-expanded=${row.folder ? row.expanded : null} tabindex=${cursor ? 0 : -1}
      style=${{ top: `${index * ROW_HEIGHT}px` }} onClick=${() => onPick(row)}>
    <span class="indent" style=${{ width: `${row.depth * 16}px` }}></span>
    <span class="twisty" onClick=${(e) => { if (row.folder) { e.stopPropagation(); onToggle(row); } }}>
      ${row.folder && html`<${Shape} name=${row.expanded ? 'open' : 'closed'} />`}</span>
    <${Shape} name=${row.tagId ? 'tag' : 'folder'} level="dim" />
    <span class="name" title=${row.path}>${label ?? row.name}</span>
    ${row.status === 'loading' && html`<span class="dim">loading</span>`}
    ${row.status && row.status !== 'loading' && html`<span class="quality warn"><${Shape} name="triangle" level="warn" />${row.status}</span>`}
    <span class="gap"></span>
    ${row.tagId ? html`<${RowAge} path=${row.path} /><${LiveValue} path=${row.path} />`
      : html`<span class="dim count">${row.childCount || ''}</span><span class="mark">${row.state && row.state !== 'live'
        && html`<${Shape} name="clock" level="stale" label=${row.state} />`}</span>`}
  </div>`;
}

// Rows by absolute position in a box as high as all of them.
function VirtualRows({ rows, cursor, selected, labels, onRange, onPick, onToggle, onKeyDown, treeLabel, focusWanted }) {
  const box = useRef(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  const range = visibleRange(rows.length, view.top, view.height);
  const cursorIndex = rows.findIndex((row) => row.path === cursor);

  useLayoutEffect(() => {
    const read = () => setView({ top: box.current.scrollTop, height: box.current.clientHeight });
    const observer = new ResizeObserver(read);
    observer.observe(box.current);
    box.current.addEventListener('scroll', read, { passive: true });
    read();
    return () => observer.disconnect();
  }, []);
  useEffect(() => onRange(range), [range.from, range.to, rows]);
  // The cursor stays in sight when it moves; the row gets the focus when the keys moved it.
  useLayoutEffect(() => {
    if (cursorIndex < 0) return;
    const top = cursorIndex * ROW_HEIGHT, element = box.current;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + ROW_HEIGHT > element.scrollTop + element.clientHeight) element.scrollTop = top + ROW_HEIGHT - element.clientHeight;
  }, [cursor, cursorIndex >= 0]);
  useLayoutEffect(() => {
    if (!focusWanted.current) return;
    focusWanted.current = false;
    box.current.querySelector('[tabindex="0"]')?.focus({ preventScroll: true });
  });

  const mounted = [];
  for (let i = range.from; i < range.to; i++) mounted.push(i);
  if (cursorIndex >= 0 && (cursorIndex < range.from || cursorIndex >= range.to)) mounted.push(cursorIndex);
  return html`<div class="tree" ref=${box} role="tree" aria-label=${treeLabel} onKeyDown=${onKeyDown}>
    <div class="rows" role="presentation" style=${{ height: `${rows.length * ROW_HEIGHT}px` }}>
      ${mounted.map((i) => html`<${Row} key=${rows[i].path} row=${rows[i]} index=${i} label=${labels?.(rows[i])}
        cursor=${cursorIndex < 0 ? i === range.from : i === cursorIndex} selected=${rows[i].path === selected}
        onPick=${onPick} onToggle=${onToggle} />`)}
    </div></div>`;
}

// Tags and folders whose path holds all words. The host's own search where it has one, else the whole tree.
async function searchTree(plant, text, signal) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const cache = plant.wholeTree;
  if (!cache.items || Date.now() - cache.at > WHOLE_TREE_MS) {
    cache.items = await api.tree('', DEPTH, { signal });
    cache.at = Date.now();
  }
  const found = [];
  for (const item of cache.items) {
    const name = item.path.toLowerCase();
    if (words.every((word) => name.includes(word))) found.push(item);
    if (found.length >= SEARCH_LIMIT) break;
  }
  return found.map((item, i) => ({
    path: item.path, name: item.name, depth: 0, folder: false, expanded: false, state: item.state ?? null,
    childCount: item.children ?? 0, tagId: item.tag_id || null, size: found.length, pos: i + 1, status: null,
  }));
}

export function Browse() {
  const plant = usePlant();
  const { tree } = plant;
  const route = useCell(plant.route);
  const selected = route.screen === 'browse' ? route.path : '';
  useCell(tree.version);
  const [cursor, setCursor] = useState(selected);
  const [text, setText] = useState('');
  const [found, setFound] = useState(null);
  const [searchError, setSearchError] = useState(null);
  const focusWanted = useRef(false);

  // A path in the address is opened down to it.
  useEffect(() => {
    if (!selected) return;
    setCursor(selected);
    tree.reveal(selected);
  }, [selected]);
  useEffect(() => { tree.load(); }, []);
  useEffect(() => {
    if (!text.trim()) {
      setFound(null);
      setSearchError(null);
      return undefined;
    }
    const abort = new AbortController();
    const timer = setTimeout(() => searchTree(plant, text, abort.signal).then((rows) => { setFound(rows); setSearchError(null); })
      .catch((error) => error.name === 'AbortError' || setSearchError(error)), SEARCH_WAIT_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [text]);

  const rows = found ?? tree.model.rows();
  const open = (path) => plant.go({ screen: 'browse', path, params: keepTrend(route.params) });
  const toggle = (row) => tree.setExpanded(row.path, !row.expanded);
  const pick = (row) => {
    setCursor(row.path);
    focusWanted.current = true;
    if (row.folder && (row.path === selected || !row.tagId)) toggle(row);
    open(row.path);
  };
  const keys = (event) => {
    const at = rows.findIndex((row) => row.path === cursor);
    const stand = (index) => {
      const row = rows[Math.max(0, Math.min(rows.length - 1, index))];
      if (row) setCursor(row.path);
    };
    const page = Math.max(1, Math.floor(event.currentTarget.clientHeight / ROW_HEIGHT) - 1);
    const moves = {
      ArrowDown: () => stand(at + 1), ArrowUp: () => stand(at - 1), Home: () => stand(0), End: () => stand(rows.length - 1),
      PageDown: () => stand(at + page), PageUp: () => stand(at - page),
      Enter: () => at >= 0 && pick(rows[at]), ' ': () => at >= 0 && pick(rows[at]),
      ArrowLeft: () => step(tree.model.left(cursor)), ArrowRight: () => step(tree.model.right(cursor)),
    };
    const step = (move) => {
      if (found || at < 0) return;
      if (move.collapse) tree.setExpanded(move.collapse, false);
      if (move.expand) tree.setExpanded(move.expand, true);
      if (move.go) setCursor(move.go);
    };
    if (!moves[event.key] || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    focusWanted.current = true;
    moves[event.key]();
  };
  const onRange = (range) => {
    tree.globs = selectionFor(rows, range, tree.globs);
    plant.show('tree', tree.globs);
  };

  const rootError = tree.model.statusOf('');
  return html`<section class="browse">
    <div class="pane left">
      <div class="bar"><label class="search"><span class="hidden">Search</span>
        <input type="search" id="search" placeholder="Search  /" value=${text} autocomplete="off" onInput=${(e) => setText(e.target.value)}
          onKeyDown=${(e) => {
            if (e.key === 'Escape') { setText(''); e.target.blur(); }
            if (e.key === 'Enter' && found?.length) pick(found[0]);
            if (e.key === 'ArrowDown' && rows.length) { e.preventDefault(); focusWanted.current = true; setCursor(rows[0].path); }
          }} /></label>
        ${found && html`<span class="dim">${found.length === SEARCH_LIMIT ? `first ${SEARCH_LIMIT}` : found.length} found</span>`}
      </div>
      ${searchError && html`<${Trouble} error=${searchError} />`}
      ${!found && rootError === 'loading' && html`<p class="dim pad">Asking the host.</p>`}
      ${!found && rootError && rootError !== 'loading' && html`<${Trouble} error=${rootError} retry=${() => tree.retry('')} />`}
      ${!found && !rootError && tree.model.isLoaded('') && !rows.length && html`<p class="dim pad">No tags yet. They appear with the first birth message of an edge node.</p>`}
      <${VirtualRows} rows=${rows} cursor=${cursor} selected=${selected} treeLabel=${found ? 'Found' : 'Plant tree'}
        labels=${found ? (row) => row.path : null} focusWanted=${focusWanted} onRange=${onRange} onPick=${pick} onToggle=${toggle} onKeyDown=${keys} />
    </div>
    <div class="pane right">
      ${selected ? html`<${Detail} key=${selected} path=${selected} parent=${parentOf(selected)} />`
        : html`<${Overview} />`}
    </div>
  </section>`;
}
