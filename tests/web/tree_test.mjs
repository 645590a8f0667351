import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ancestorsOf, parentOf, ROW_HEIGHT, selectionFor, TreeModel, visibleRange } from '../../host/web/ui/tree-model.js';

const folder = (path, children = 1) => ({ path, name: path.split('/').at(-1), kind: 'folder', state: 'live', children });
const tag = (path, id) => ({ path, name: path.split('/').at(-1), kind: 'tag', state: 'live', children: 0, tag_id: id });

const newTree = () => {
  const tree = new TreeModel();
  tree.setChildren('', [tag('z', 9), folder('a', 3)]);
  return tree;
};

test('only expanded folders that are not here yet are missing, top down', () => {
  const tree = new TreeModel();
  assert.deepEqual(tree.missing(), ['']);
  tree.setLoading('');
  assert.deepEqual(tree.missing(), []);
  tree.setChildren('', [folder('a'), folder('b')]);
  tree.expandTo('a/b/c');
  assert.deepEqual(tree.missing(), ['a', 'a/b']);
  tree.setExpanded('a', false);
  assert.deepEqual(tree.missing(), [], 'what is closed needs nothing below it');
});

test('rows are folders first, names in natural order, with their place among the siblings', () => {
  const tree = newTree();
  tree.setExpanded('a', true);
  tree.setChildren('a', [tag('a/t10', 1), tag('a/t2', 2), folder('a/x')]);
  assert.deepEqual(tree.rows().map((row) => [row.path, row.depth, row.pos, row.size, row.expanded]), [
    ['a', 0, 1, 2, true], ['a/x', 1, 1, 3, false], ['a/t2', 1, 2, 3, false], ['a/t10', 1, 3, 3, false], ['z', 0, 2, 2, false]]);
  assert.equal(tree.indexOf('z'), 4);
  tree.setExpanded('a', false);
  assert.equal(tree.rows().length, 2);
});

test('a tag may have tags below it, and tag id 0 is no tag', () => {
  const tree = new TreeModel();
  tree.setChildren('', [{ ...tag('t', 5), children: 2 }, { ...folder('f'), tag_id: 0 }]);
  const [f, t] = tree.rows();
  assert.deepEqual([t.path, t.folder, t.tagId], ['t', true, 5]);
  assert.deepEqual([f.path, f.folder, f.tagId], ['f', true, null]);
});

test('left and right walk the tree as ARIA asks', () => {
  const tree = newTree();
  assert.deepEqual(tree.right('a'), { expand: 'a' });
  tree.setExpanded('a', true);
  tree.setChildren('a', [tag('a/t', 1)]);
  assert.deepEqual(tree.right('a'), { go: 'a/t' });
  assert.deepEqual(tree.right('a/t'), {});
  assert.deepEqual(tree.left('a/t'), { go: 'a' });
  assert.deepEqual(tree.left('a'), { collapse: 'a' });
  assert.deepEqual(tree.left('z'), {});
});

test('a folder that failed says why and can be tried again; one that was read keeps its rows', () => {
  const tree = newTree();
  tree.setExpanded('a', true);
  tree.setError('a', 'no answer');
  assert.equal(tree.rows()[0].status, 'no answer');
  assert.deepEqual(tree.missing(), []);
  tree.retry('a');
  assert.deepEqual(tree.missing(), ['a']);
  tree.setError('', 'no answer');
  assert.equal(tree.rows().length, 2);
});

test('a closed folder that is forgotten is read anew when it opens', () => {
  const tree = newTree();
  tree.setExpanded('a', true);
  tree.setChildren('a', [tag('a/t', 1)]);
  tree.setExpanded('a', false);
  tree.forget('a');
  assert.deepEqual(tree.missing(), []);
  tree.setExpanded('a', true);
  assert.deepEqual(tree.missing(), ['a']);
});

test('a hundred thousand rows mount only those on screen', () => {
  const tree = new TreeModel();
  tree.setChildren('', Array.from({ length: 100000 }, (_, i) => tag(`t${i}`, i + 1)));
  const rows = tree.rows();
  assert.equal(rows.length, 100000);
  assert.equal(rows[2].path, 't2');
  assert.deepEqual(visibleRange(100000, 0, 600), { from: 0, to: 33 });
  const middle = visibleRange(100000, 50000 * ROW_HEIGHT, 600);
  assert.deepEqual(middle, { from: 49992, to: 50033 });
  assert.deepEqual(visibleRange(100000, 1e9, 600).to, 100000, 'scrolled beyond the end');
  assert.deepEqual(visibleRange(3, 500, 600), { from: 0, to: 3 }, 'the list became shorter');
  assert.deepEqual(visibleRange(0, 0, 600), { from: 0, to: 0 });
});

test('the stream is asked for the folders on screen, and scrolling back asks nothing new', () => {
  const tree = newTree();
  tree.setExpanded('a', true);
  tree.setChildren('a', [tag('a/t', 1), tag('a/u', 2)]);
  const rows = tree.rows();
  assert.deepEqual(selectionFor(rows, { from: 0, to: 2 }), ['a/*']);
  assert.deepEqual(selectionFor(rows, { from: 3, to: 4 }, ['a/*']), ['*', 'a/*']);
  assert.deepEqual(selectionFor(rows, { from: 0, to: 2 }, ['x/*', 'y/*'], 2), ['a/*', 'x/*'], 'the oldest are let go');
});

test('paths know their parents', () => {
  assert.equal(parentOf('a/b/c'), 'a/b');
  assert.equal(parentOf('a'), '');
  assert.deepEqual(ancestorsOf('a/b/c'), ['a', 'a/b']);
  assert.deepEqual(ancestorsOf('a'), []);
});
