// tree-model.js -- which rows the tree has, and which of them are worth mounting. Pure: fetching is the caller's.
//
// Children are known only for folders that were expanded once. rows() is the flat list of what is expanded, in
// order; visibleRange() cuts out of it what a scroll position shows. A row is
//   { path, name, depth, folder, expanded, state, childCount, tagId, size, pos, status }
// where size and pos are aria-setsize and aria-posinset, and status is 'loading' or an error text of a folder.

export const ROW_HEIGHT = 24;

export const parentOf = (path) => (path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '');

// Every folder above `path`, from the top: 'a/b/c' -> ['a', 'a/b'].
export function ancestorsOf(path) {
  const parts = path.split('/');
  return parts.slice(0, -1).map((_, i) => parts.slice(0, i + 1).join('/'));
}

export class TreeModel {
  #folders = new Map(); // path -> { items, status }
  #expanded = new Set();
  #rows = null;

  // Folders whose children are needed and neither here nor on their way.
  missing() {
    return ['', ...this.#expanded].filter((path) => !this.#folders.has(path)
      && ancestorsOf(path).every((above) => this.#expanded.has(above)));
  }
  isExpanded(path) { return this.#expanded.has(path); }
  isLoaded(path) { return Boolean(this.#folders.get(path)?.items); }
  statusOf(path) { return this.#folders.get(path)?.status ?? null; }
  loadedFolders() { return [...this.#folders.keys()]; }

  setExpanded(path, expanded) {
    if (expanded) this.#expanded.add(path);
    else this.#expanded.delete(path);
    this.#rows = null;
  }
  expandTo(path) {
    for (const folder of ancestorsOf(path)) this.#expanded.add(folder);
    this.#rows = null;
  }
  setLoading(path) {
    const old = this.#folders.get(path);
    this.#folders.set(path, { items: old?.items ?? null, status: old?.items ? null : 'loading' });
    this.#rows = null;
  }
  setError(path, text) {
    const old = this.#folders.get(path);
    this.#folders.set(path, { items: old?.items ?? null, status: text });
    this.#rows = null;
  }
  setChildren(path, items) {
    const sorted = [...items].sort((a, b) => isFolder(b) - isFolder(a) || compareNames(a.name, b.name));
    this.#folders.set(path, { items: sorted, status: null });
    this.#rows = null;
  }
  // What is below is not known any more.
  forget(path) {
    this.#folders.delete(path);
    this.#rows = null;
  }
  // Forget a folder that failed, so that missing() names it again.
  retry(path) {
    if (!this.#folders.get(path)?.items) this.#folders.delete(path);
    this.#rows = null;
  }

  rows() {
    if (this.#rows) return this.#rows;
    const rows = [];
    const add = (parent, depth) => {
      const items = this.#folders.get(parent)?.items ?? [];
      items.forEach((item, i) => {
        const folder = isFolder(item);
        const expanded = folder && this.#expanded.has(item.path);
        rows.push({
          path: item.path, name: item.name, depth, folder, expanded, kind: item.kind, state: item.state ?? null,
          childCount: item.children ?? 0, tagId: item.tag_id || null, size: items.length, pos: i + 1,
          status: expanded ? this.statusOf(item.path) : null,
        });
        if (expanded) add(item.path, depth + 1);
      });
    };
    add('', 0);
    return (this.#rows = rows);
  }

  indexOf(path) { return this.rows().findIndex((row) => row.path === path); }

  // What Left and Right do: a new path to stand on, or a folder to open or close.
  left(path) {
    if (this.#expanded.has(path)) return { collapse: path };
    const parent = parentOf(path);
    return parent ? { go: parent } : {};
  }
  right(path) {
    const row = this.rows()[this.indexOf(path)];
    if (!row?.folder) return {};
    if (!row.expanded) return { expand: path };
    const first = this.rows()[this.indexOf(path) + 1];
    return first && first.depth > row.depth ? { go: first.path } : {};
  }
}

// A tag may have tags below it: then it is a folder that also has a value.
const isFolder = (item) => Number(item.children ?? 0) > 0 || (item.kind !== 'tag' && item.kind !== undefined);

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'variant' });
const compareNames = (a, b) => collator.compare(a, b);

// Index range [from, to) to mount for a viewport, `overscan` rows beyond each edge.
export function visibleRange(count, scrollTop, viewHeight, rowHeight = ROW_HEIGHT, overscan = 8) {
  const top = Math.max(0, Math.min(scrollTop, count * rowHeight - viewHeight));
  const from = Math.max(0, Math.floor(top / rowHeight) - overscan);
  const to = Math.min(count, Math.ceil((top + viewHeight) / rowHeight) + overscan);
  return { from, to: Math.max(from, to) };
}

// Which globs the stream should deliver for the rows on screen: the folders the visible tags stand in. Folders seen
// before stay until there are more than `limit`, so that scrolling about does not change the selection.
export function selectionFor(rows, { from, to }, previous = [], limit = 48) {
  const wanted = new Set();
  for (let i = from; i < to; i++) if (rows[i].tagId) wanted.add(parentOf(rows[i].path));
  const globs = [...wanted].map((folder) => (folder ? `${folder}/*` : '*'));
  const kept = previous.filter((glob) => !globs.includes(glob));
  return [...globs, ...kept].slice(0, Math.max(limit, globs.length));
}
