// app.js -- the page's state and its frame: header, navigation, keys. The only module with state of its own.

import { render } from 'preact';
import { api, apiBase } from './api.js';
import { Browse } from './browse.js';
import { HelpDialog } from './dialogs.js';
import { Events } from './events.js';
import { decodePath, encodePath, formatAge, formatRate, parseTime } from './fmt.js';
import { Nodes } from './nodes.js';
import { Cell, fleetOf, patchNodes, TagStore } from './store.js';
import { openStream } from './stream.js';
import { Timeline } from './timeline.js';
import { parentOf, TreeModel } from './tree-model.js';
import { keepTrend } from './trend.js';
import { html, Plant, Shape, useCell, useEffect, useRef, useState } from './ui.js';

const NODES_MS = 5000;
const NODES_FIRST_MS = 1500; // the second reading gives the first rate
const READY_MS = 10000;
const REFRESH_MS = 500;     // births come in bursts: wait for the burst
const LIVE_EVENTS = 500;
const SCREENS = [['browse', 'Browse', 'b'], ['nodes', 'Nodes', 'n'], ['timeline', 'Timeline', 't'], ['events', 'Events', 'e']];

// ---- address: #/screen/path?params ----

function parseRoute(hash) {
  const [place, query = ''] = hash.replace(/^#\/?/, '').split('?');
  const cut = place.indexOf('/');
  const screen = cut < 0 ? place : place.slice(0, cut);
  return {
    screen: SCREENS.some(([id]) => id === screen) ? screen : 'browse',
    path: cut < 0 ? '' : decodePath(place.slice(cut + 1)), params: new URLSearchParams(query),
  };
}
function linkTo({ screen, path = '', params = {} }) {
  const query = new URLSearchParams(Object.entries(params).flatMap(([name, value]) => (Array.isArray(value) ? value : [value]).map((each) => [name, each]))
    .filter(([, value]) => value !== '' && value !== undefined && value !== null)).toString();
  return `#/${screen}${path ? `/${encodePath(path)}` : ''}${query ? `?${query}` : ''}`;
}

// ---- the tree, with its reading ----

class PlantTree {
  model = new TreeModel();
  version = new Cell(0);
  globs = [];
  #items = new Map(); // folder path -> items as the host sent them
  #timer = null;
  #stale = new Set();

  items(path) { return this.#items.get(path); }
  item(path) { return this.#items.get(parentOf(path))?.find((item) => item.path === path); }
  #changed() { this.version.set(this.version.value + 1); }

  setExpanded(path, expanded) {
    this.model.setExpanded(path, expanded);
    this.#changed();
    this.load();
  }
  reveal(path) {
    this.model.expandTo(path);
    this.#changed();
    this.load();
  }
  retry(path) {
    this.model.retry(path);
    this.load();
  }
  load() {
    const missing = this.model.missing();
    for (const path of missing) {
      this.model.setLoading(path);
      this.read(path);
    }
    if (missing.length) this.#changed();
  }
  async read(path) {
    const isFirst = !this.#items.has(path);
    try {
      const items = await api.tree(path, 1);
      this.#items.set(path, items);
      this.model.setChildren(path, items);
      // A lone folder is on the way to something: open it too, once.
      if (isFirst && items.length === 1 && !items[0].tag_id) this.model.setExpanded(items[0].path, true);
    } catch (error) {
      // A folder that is no more has no children.
      if (error.status === 404) this.model.setChildren(path, []);
      else this.model.setError(path, error.message);
    }
    this.#changed();
    this.load();
  }
  // Something changed in these folders (in all without): read the open ones again soon, one after the other. Closed ones
  // are read when they are opened.
  refreshSoon(paths = null) {
    for (const path of this.model.loadedFolders()) if (!paths || paths.has(path)) this.#stale.add(path);
    this.#timer ??= setTimeout(async () => {
      const stale = [...this.#stale];
      this.#stale.clear();
      for (const path of stale) {
        if (path === '' || this.model.isExpanded(path)) await this.read(path);
        else this.#forget(path);
      }
      this.#timer = null;
      if (this.#stale.size) this.refreshSoon(new Set());
    }, REFRESH_MS);
  }
  #forget(path) {
    this.#items.delete(path);
    this.model.forget(path);
    this.#changed();
  }
}

// ---- the plant as this page knows it ----

function createPlant() {
  const clock = new Cell(Date.now());
  let offset = 0; // host's clock minus ours
  clock.now = () => Date.now() + offset;
  const plant = {
    tags: new TagStore((paint) => requestAnimationFrame(paint)),
    tree: new PlantTree(),
    wholeTree: { items: null, at: 0 },
    nodes: new Cell(null), fleet: new Cell(null), nodesError: new Cell(null), notReady: new Cell(null), updated: new Cell(false),
    stream: new Cell({ state: 'idle', since: Date.now(), retryAt: null }),
    liveEvents: new Cell([]), reconnects: new Cell(0), writes: new Cell(0), clock, theme: new Cell(0),
    route: new Cell(parseRoute(location.hash)),
    link: linkTo,
    go(target) {
      const hash = linkTo(target);
      if (hash === location.hash) return;
      history[target.replace ? 'replaceState' : 'pushState'](null, '', hash);
      plant.route.set(parseRoute(hash));
    },
  };

  // What each part of the page wants from the stream.
  const wanted = new Map();
  let asked = '';
  plant.show = (who, globs) => {
    wanted.set(who, globs);
    const all = [...new Set(['*', ...[...wanted.values()].flat()])].sort();
    if (JSON.stringify(all) === asked) return;
    asked = JSON.stringify(all);
    plant.live?.want(all);
  };
  // Keys that a view takes while it is shown.
  const keyTakers = new Set();
  plant.onKey = (taker) => {
    keyTakers.add(taker);
    return () => keyTakers.delete(taker);
  };
  plant.key = (key) => keyTakers.forEach((taker) => taker(key));

  // Edge nodes: read every few seconds, and at once when something happens to one.
  let nodesTimer = null, soon = false;
  plant.readNodes = async () => {
    clearTimeout(nodesTimer);
    soon = false;
    try {
      const nodes = await api.nodes();
      plant.nodes.set(nodes);
      plant.fleet.set(fleetOf(nodes, plant.fleet.value, Date.now()));
      plant.nodesError.set(null);
    } catch (error) {
      plant.nodesError.set(error);
    }
    if (soon) return;
    clearTimeout(nodesTimer);
    nodesTimer = setTimeout(plant.readNodes, Number.isNaN(plant.fleet.value?.rate) ? NODES_FIRST_MS : NODES_MS);
  };
  const readNodesSoon = () => {
    if (soon) return; // a storm of events does not put it off for ever
    soon = true;
    clearTimeout(nodesTimer);
    nodesTimer = setTimeout(plant.readNodes, REFRESH_MS);
  };

  const takeState = (rows) => {
    if (plant.nodes.value) {
      plant.nodes.set(patchNodes(plant.nodes.value, rows));
      plant.fleet.set(fleetOf(plant.nodes.value, plant.fleet.value, plant.fleet.value?.at ?? Date.now()));
    }
    readNodesSoon();
    plant.tree.refreshSoon();
  };
  const takeTree = (change) => {
    const paths = ['added', 'moved', 'removed'].flatMap((kind) => change?.[kind] ?? []).flatMap((entry) =>
      (typeof entry === 'string' ? [entry] : [entry?.path, entry?.from, entry?.to, entry?.moved_to])).filter((path) => typeof path === 'string');
    plant.wholeTree.items = null;
    if (!paths.length) return plant.tree.refreshSoon();
    // A folder's row counts its children, so the folder above it changes too.
    plant.tree.refreshSoon(new Set(paths.flatMap((path) => {
      const folders = [''];
      for (let i = path.indexOf('/'); i >= 0; i = path.indexOf('/', i + 1)) folders.push(path.slice(0, i));
      return folders;
    })));
    return undefined;
  };
  let wasLost = false;
  plant.take = (message) => {
    switch (message.kind) {
      case 'status':
        plant.stream.set(message);
        if (message.state === 'open' && wasLost) {
          plant.reconnects.set(plant.reconnects.value + 1);
          plant.readNodes();
          plant.tree.refreshSoon();
          lookForUpdate();
        }
        wasLost = message.state === 'lost' || (wasLost && message.state !== 'open');
        break;
      case 'hello': {
        const at = parseTime(message.hello?.server_time);
        if (Number.isFinite(at)) offset = Math.abs(at - message.at) < 500 ? 0 : at - message.at;
        break;
      }
      case 'dict': plant.tags.applyDict(message.rows); break;
      case 'values': plant.tags.applyValues(message.rows); break;
      case 'state': takeState(message.rows); break;
      case 'event':
        plant.liveEvents.set([...message.rows.toReversed(), ...plant.liveEvents.value].slice(0, LIVE_EVENTS));
        readNodesSoon();
        break;
      // A write's outcome is an event that is read, not streamed.
      case 'write': setTimeout(() => plant.writes.set(plant.writes.value + 1), REFRESH_MS); break;
      case 'tree': takeTree(message.change); break;
      default: break;
    }
  };

  // The host may have come back as a newer one, with other pages than this.
  const lookForUpdate = async () => {
    try {
      const page = await (await fetch(document.baseURI, { cache: 'no-cache' })).text();
      const folder = new URL('.', import.meta.url).pathname.split('/').slice(-3).join('/');
      plant.updated.set(!page.includes(folder));
    } catch { /* the stream's banner says it */ }
  };
  const readReady = async () => {
    try {
      const answer = await fetch(new URL('readyz', document.baseURI), { cache: 'no-store' });
      const body = answer.ok ? null : await answer.json().catch(() => ({}));
      plant.notReady.set(answer.ok ? null : (body.checks ?? []).filter((check) => !check.ok).map((check) =>
        `${check.name}${check.detail ? `: ${check.detail}` : ''}`).join('; ') || body.detail || 'the host is not ready');
    } catch {
      plant.notReady.set(null); // the stream's banner says it
    }
    setTimeout(readReady, READY_MS);
  };

  plant.start = () => {
    plant.live = openStream({ base: apiBase(), onMessage: plant.take });
    plant.readNodes();
    readReady();
    setInterval(() => clock.set(clock.now()), 1000);
    addEventListener('popstate', () => plant.route.set(parseRoute(location.hash)));
    addEventListener('hashchange', () => plant.route.set(parseRoute(location.hash)));
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => plant.theme.set(plant.theme.value + 1));
  };
  return plant;
}

// ---- frame ----

const THEMES = ['auto', 'light', 'dark'];
function useTheme(plant) {
  const [theme, setTheme] = useState(localStorage.getItem('plantree-theme') ?? 'auto');
  useEffect(() => {
    if (theme === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    localStorage.setItem('plantree-theme', theme);
    plant.theme.set(plant.theme.value + 1);
  }, [theme]);
  return [theme, () => setTheme(THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length])];
}

function StreamState({ plant }) {
  const stream = useCell(plant.stream);
  const now = useCell(plant.clock) && Date.now();
  if (stream.state === 'open') return html`<span data-stream="open">live</span>`;
  if (stream.state !== 'lost' && now - stream.since < 3000) return html`<span class="dim" data-stream="connecting">connecting</span>`;
  return html`<span class="quality warn" data-stream="lost"><${Shape} name="triangle" level="warn" />not live for ${formatAge(now - stream.since)}</span>`;
}

function Banners({ plant }) {
  const stream = useCell(plant.stream);
  const notReady = useCell(plant.notReady);
  const updated = useCell(plant.updated);
  const now = useCell(plant.clock) && Date.now();
  const lost = stream.state !== 'open' && stream.state !== 'idle' && (stream.state === 'lost' || now - stream.since > 3000);
  useEffect(() => { document.body.classList.toggle('not-live', lost); }, [lost]);
  return html`<div role="status">
    ${lost && html`<p class="banner"><${Shape} name="triangle" level="warn" /> Values on this page are ${formatAge(now - stream.since)} old:
      the connection to the host is lost${stream.detail ? ` (${stream.detail})` : ''}.
      ${stream.retryAt ? ` Next attempt in ${formatAge(stream.retryAt - now)}.` : ' Connecting.'} <button onClick=${() => plant.live.retryNow()}>Connect now</button></p>`}
    ${notReady && html`<p class="banner"><${Shape} name="triangle" level="warn" /> The host is not ready: ${notReady}</p>`}
    ${updated && html`<p class="banner info">The host was updated. This page is of the version before. <button onClick=${() => location.reload()}>Load the new page</button></p>`}</div>`;
}

function Fleet({ plant }) {
  const fleet = useCell(plant.fleet);
  const error = useCell(plant.nodesError);
  if (error && !fleet) return html`<span class="quality warn"><${Shape} name="triangle" level="warn" />${error.message}</span>`;
  if (!fleet) return html`<span class="dim">Asking the host.</span>`;
  return html`
    <span class="stat"><span class="dim">Nodes online</span> <b id="nodes-online">${fleet.online}</b></span>
    <span class="stat"><span class="dim">offline</span> ${fleet.offline ? html`<b class="quality bad" id="nodes-offline"><${Shape} name="square" level="bad" />${fleet.offline}</b>` : html`<b id="nodes-offline">0</b>`}</span>
    ${fleet.devicesOffline > 0 && html`<span class="stat"><span class="dim">devices offline</span> <b class="quality bad"><${Shape} name="square" level="bad" />${fleet.devicesOffline}</b></span>`}
    <span class="stat"><span class="dim">Samples</span> <b>${formatRate(fleet.rate)}</b><span class="unit">/s</span></span>`;
}

const VIEWS = { browse: Browse, nodes: Nodes, timeline: Timeline, events: Events };

function App({ plant }) {
  const route = useCell(plant.route);
  const [theme, nextTheme] = useTheme(plant);
  const [help, setHelp] = useState(false);
  useEffect(() => {
    let went = 0;
    const keys = (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
      if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
      const screen = SCREENS.find(([, , key]) => key === event.key);
      if (Date.now() - went < 1500 && screen) {
        plant.go(screen[0] === 'browse' ? browsed.current : { screen: screen[0] });
        went = 0;
      } else if (event.key === 'g') {
        went = Date.now();
      } else if (event.key === '?') {
        setHelp(true);
      } else if (event.key === '/') {
        const search = document.getElementById('search');
        if (search) search.focus();
        else {
          plant.go({ screen: 'browse' });
          requestAnimationFrame(() => document.getElementById('search')?.focus());
        }
      } else {
        plant.key(event.key);
        if (event.key !== 'w') return;
      }
      event.preventDefault();
    };
    addEventListener('keydown', keys);
    return () => removeEventListener('keydown', keys);
  }, []);
  const View = VIEWS[route.screen];
  const browsed = useRef({ screen: 'browse' }); // where Browse was left, to come back to
  if (route.screen === 'browse') browsed.current = { screen: 'browse', path: route.path, params: keepTrend(route.params) };
  const target = (id) => (id === 'browse' && route.screen !== 'browse' ? browsed.current : { screen: id });
  useEffect(() => { document.title = route.path ? `${route.path.split('/').at(-1)} \u2013 Plantree` : 'Plantree'; }, [route]);

  return html`<${Plant.Provider} value=${plant}>
    <header><span class="brand">Plantree</span>
      <nav aria-label="Screens">${SCREENS.map(([id, title]) => html`<a href=${linkTo(target(id))} aria-current=${route.screen === id ? 'page' : null}>${title}</a>`)}</nav>
      <div class="fleet"><${Fleet} plant=${plant} /><span class="stat"><span class="dim">Stream</span> <b><${StreamState} plant=${plant} /></b></span></div>
      <button class="small" onClick=${nextTheme} title="Colours: as the system, light, dark">Colours: ${theme}</button>
      <button class="small" onClick=${() => setHelp(true)} aria-label="Help">?</button></header>
    <${Banners} plant=${plant} />
    <main><${View} /></main>
    ${help && html`<${HelpDialog} onClose=${() => setHelp(false)} licenses=${new URL('./licenses.txt', import.meta.url).href} />`}
  <//>`;
}

const plant = createPlant();
document.getElementById('app').replaceChildren();
render(html`<${App} plant=${plant} />`, document.getElementById('app'));
plant.start();
