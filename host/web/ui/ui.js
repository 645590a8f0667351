// ui.js -- the few things every view uses: htm bound to Preact, hooks over cells and tags, glyphs.
//
// Whatever comes from the plant (names, units, values, reasons) goes into ${} holes as a child or an attribute, which
// Preact sets as text. Nothing in this program builds HTML from strings.

import { createContext, h } from 'preact';
import { useContext, useEffect, useLayoutEffect, useReducer, useRef, useState } from 'preact/hooks';
import htm from 'htm';
import { formatAge, formatValue, NO_VALUE, quality } from './fmt.js';

export const html = htm.bind(h);
export { useEffect, useLayoutEffect, useRef, useState };

// The page's own state: see app.js.
export const Plant = createContext(null);
export const usePlant = () => useContext(Plant);

const useRedraw = () => useReducer((n) => n + 1, 0)[1];

export function useCell(cell) {
  const redraw = useRedraw();
  useEffect(() => cell.subscribe(redraw), [cell]);
  return cell.value;
}

// The tag at `path` with its current value, redrawn when it changes; undefined as long as it is not known.
export function useTag(path) {
  const { tags } = usePlant();
  const redraw = useRedraw();
  useEffect(() => {
    redraw(); // it may have come between the first draw and now
    return tags.watch(path, redraw);
  }, [tags, path]);
  return tags.get(path);
}

const SHAPES = {
  square: 'M3 3h10v10H3z', triangle: 'M8 2 14.5 13.5h-13z',
  clock: 'M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zm0 1.6a4.9 4.9 0 1 1 0 9.8 4.9 4.9 0 0 1 0-9.8zM7.3 4.6h1.4v3.1l2.2 1.4-.8 1.1-2.8-1.8z',
  ring: 'M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zm0 1.6a3.9 3.9 0 1 1 0 7.8 3.9 3.9 0 0 1 0-7.8z',
  folder: 'M1.5 3.5h4.6l1.4 1.7h7v8.3h-13zm1.3 1.3v7.4h10.4V6.5H6.9L5.5 4.8z',
  tag: 'M2 2h6.2L14 7.8 7.8 14 2 8.2zm1.3 1.3v4.4l4.5 4.5 4.4-4.4-4.5-4.5zm1.5 2.4a.9.9 0 1 1 1.8 0 .9.9 0 0 1-1.8 0z',
  closed: 'M6 3.5 10.8 8 6 12.5z', open: 'M3.5 6h9L8 10.8z',
};
export const Shape = ({ name, level, label }) => html`
  <svg class=${`shape ${level ?? ''}`} viewBox="0 0 16 16" width="14" height="14" role=${label ? 'img' : null}
    aria-label=${label} aria-hidden=${label ? null : 'true'}><path d=${SHAPES[name]} /></svg>`;

// Nothing for good values: only what is abnormal shows.
export function QualityGlyph({ q }) {
  const { glyph, word, level } = quality(q);
  return glyph ? html`<span title=${word}><${Shape} name=${glyph} level=${level} label=${word} /></span>` : null;
}
export function QualityWord({ q }) {
  const { glyph, word, level } = quality(q);
  return html`<span class=${`quality ${level}`}>${glyph && html`<${Shape} name=${glyph} level=${level} />`}${word}</span>`;
}
const STATES = { online: ['', 'Online'], offline: ['bad', 'Offline'] };
export function StateWord({ state }) {
  const [level, word] = STATES[state] ?? ['warn', state ?? 'unknown'];
  return html`<span class=${`quality ${level}`}>${level && html`<${Shape} name=${level === 'bad' ? 'square' : 'triangle'} level=${level} />`}${word}</span>`;
}

const calm = matchMedia('(prefers-reduced-motion: reduce)');

// A value, its unit, its quality; a short tick when it changes. Redraws alone.
export function LiveValue({ path, withUnit = true }) {
  const tag = useTag(path);
  const cell = useRef(null);
  const changes = tag?.changes ?? 0;
  const seen = useRef(0);
  useEffect(() => {
    const isFirst = seen.current === 0;
    seen.current = changes;
    if (isFirst || !changes || calm.matches || !cell.current?.animate) return;
    cell.current.animate([{ backgroundColor: 'color-mix(in srgb, currentColor 14%, transparent)' }, { backgroundColor: 'transparent' }], 150);
  }, [changes]);
  if (!tag || tag.value === undefined) return html`<span class="value none">${NO_VALUE}</span>`;
  const text = formatValue(tag.value, tag.type, tag.decimals);
  return html`<span class=${`value ${quality(tag.q).level}`} ref=${cell}>
    <span class="text" title=${text.length > 24 ? text : null}>${text}</span>${withUnit && html`<span class="unit">${tag.unit ?? ''}</span>`}
  </span><span class="mark"><${QualityGlyph} q=${tag.q} /></span>`;
}

// The age of a time by the host's clock, counting on its own.
export function Age({ ms }) {
  const { clock } = usePlant();
  return html`<span class="age">${formatAge(useCell(clock) - ms)}</span>`;
}

// A message where something cannot be shown, with a way to try again.
export const Trouble = ({ error, retry }) => html`
  <p class="trouble" role="status"><${Shape} name="triangle" level="warn" /> ${error.message ?? String(error)}
    ${retry && html` <button onClick=${retry}>Try again</button>`}</p>`;
