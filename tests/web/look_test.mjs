// The colours of the page: enough contrast for text and for glyphs, in both themes; and nothing is built from strings.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const ui = new URL('../../host/web/ui/', import.meta.url);
const css = readFileSync(new URL('app.css', ui), 'utf8');

function theme(start) {
  const block = css.slice(css.indexOf(start)).split('}')[0];
  return Object.fromEntries([...block.matchAll(/--([\w-]+): (#[0-9a-f]{6})/g)].map(([, name, color]) => [name, color]));
}
const luminance = (color) => [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16) / 255)
  .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
  .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const contrast = (a, b) => {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
};

const themes = { light: theme(':root {'), dark: theme(':root[data-theme="dark"] {') };

test('text has a contrast of 4.5 on every ground, glyphs and lines of 3', () => {
  for (const [name, colors] of Object.entries(themes)) {
    for (const ground of ['page', 'panel', 'hover', 'picked']) {
      for (const ink of ['text', 'dim', 'info']) {
        const c = contrast(colors[ink], colors[ground]);
        assert.ok(c >= 4.5, `${name}: ${ink} on ${ground} is ${c.toFixed(2)}`);
      }
      for (const ink of ['bad', 'warn', 'stale', 'series-1']) {
        const c = contrast(colors[ink], colors[ground]);
        assert.ok(c >= (ground === 'panel' ? 4.5 : 3), `${name}: ${ink} on ${ground} is ${c.toFixed(2)}`);
      }
    }
  }
});

test('the dark theme by system and by choice are one', () => {
  const bySystem = theme(':root:not([data-theme="light"]) {');
  assert.deepEqual(bySystem, themes.dark);
});

test('no module turns strings into HTML or code', () => {
  for (const name of readdirSync(ui).filter((file) => file.endsWith('.js'))) {
    const text = readFileSync(new URL(name, ui), 'utf8');
    assert.doesNotMatch(text, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|dangerouslySetInnerHTML|\beval\(|new Function/, name);
    assert.match(text, /^[\x00-\x7f]*$/, `${name} is ASCII`);
  }
});
