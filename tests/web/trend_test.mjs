import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csvOf, TrendData } from '../../host/web/ui/trend-data.js';

const load = (series) => {
  const data = new TrendData();
  data.load(series);
  return data;
};

test('null, stale and breaks are gaps in the line', () => {
  const data = load({ type: 'Double', t: [10, 20, 30, 40, 50], v: [1, 2, null, 4, 5], q: 'GGGSG', breaks: [15], raw_count: 5 });
  assert.deepEqual(data.x, [10, 15, 20, 30, 40, 50]);
  assert.deepEqual(data.y, [1, null, 2, null, null, 5]);
  assert.equal(data.summary().gaps, 2, 'two runs without a line');
  assert.equal(data.reduced, null);
});

test('a break at the end stands, one before the first sample or inside a gap does not', () => {
  assert.deepEqual(load({ type: 'Double', t: [10, 20], v: [1, 2], q: 'GG', breaks: [5, 30, 40] }).y, [1, 2, null]);
});

test('one quality letter is good for all points, none at all is good', () => {
  assert.deepEqual(load({ type: 'Int32', t: [1, 2], v: [1, 2], q: 'U' }).q, ['U', 'U']);
  assert.deepEqual(load({ type: 'Int32', t: [1, 2], v: [1, 2] }).q, ['G', 'G']);
  assert.deepEqual(load(null).x, []);
});

test('booleans and 64-bit digits are drawn, and kept as they came', () => {
  const bool = load({ type: 'Boolean', t: [1, 2], v: [true, false], q: 'GG' });
  assert.deepEqual([bool.y, bool.raw], [[1, 0], [true, false]]);
  const big = load({ type: 'Int64', t: [1], v: ['9223372036854775807'], q: 'G' });
  assert.deepEqual([big.y, big.raw], [[9223372036854775807], ['9223372036854775807']]);
  assert.deepEqual(load({ type: 'String', t: [1], v: ['12'], q: 'G' }).y, [null]);
});

test('live samples follow, late and repeated ones wait for the next reading', () => {
  const data = load({ type: 'Double', t: [10], v: [1], q: 'G' });
  assert.equal(data.push(20, 2, 'G'), true);
  assert.equal(data.push(20, 2, 'G'), false);
  assert.equal(data.push(15, 9, 'G'), false);
  assert.deepEqual([data.x, data.y, data.rawCount], [[10, 20], [1, 2], 2]);
});

test('a value that goes stale ends the line when it was heard, once', () => {
  const data = load({ type: 'Double', t: [10], v: [1], q: 'G' });
  assert.equal(data.push(10, 1, 'S', 50), true);
  assert.equal(data.push(10, 1, 'S', 60), false);
  assert.deepEqual([data.x, data.y], [[10, 50], [1, null]]);
  assert.equal(data.push(70, 2, 'G'), true);
  assert.deepEqual(data.y, [1, null, 2]);
});

test('a value that comes with the news that it is stale is drawn before the gap', () => {
  const data = load({ type: 'Double', t: [10], v: [1], q: 'G' });
  data.push(30, 2, 'S', 50);
  assert.deepEqual([data.x, data.y], [[10, 30, 50], [1, 2, null]]);
  assert.equal(data.push(30, 2, 'S', 60), false);
});

test('an unbroken line is held to now, a broken one is not', () => {
  const data = load({ type: 'Double', t: [10], v: [1], q: 'G' });
  assert.deepEqual(data.columns(30), [[10, 30], [1, 1]]);
  assert.deepEqual(data.columns(5), [[10], [1]]);
  assert.deepEqual(data.columns(), [[10], [1]]);
  data.push(10, 1, 'S', 20);
  assert.deepEqual(data.columns(30)[1], [1, null]);
});

test('what leaves the window is dropped but for the point that carries the line in', () => {
  const data = load({ type: 'Double', t: [10, 20, 30, 40], v: [1, 2, 3, 4], q: 'GGGG' });
  data.dropBefore(30);
  assert.deepEqual(data.x, [20, 30, 40]);
  data.dropBefore(1000);
  assert.deepEqual(data.x, [40]);
});

test('the summary tells lowest, highest and last within the window', () => {
  const data = load({ type: 'Double', t: [10, 20, 30, 40], v: [5, 1, 9, 4], q: 'GGGG' });
  const sum = data.summary(15, 35);
  assert.deepEqual([sum.count, sum.min, sum.max, sum.last, sum.lastMs], [2, 1, 9, 9, 30]);
  assert.deepEqual(new TrendData().summary().min, null);
});

test('reduction is told by the host or seen from the counts', () => {
  assert.equal(load({ t: [1], v: [1], q: 'G', raw_count: 100 }).reduced, 'minmax');
  assert.equal(load({ t: [1], v: [1], q: 'G', raw_count: 1, reduced: 'lttb' }).reduced, 'lttb');
  assert.equal(load({ t: [1], v: [1], q: 'G', raw_count: 1, reduced: 'raw' }).reduced, null);
});

test('abnormal quality makes bands that touch become one', () => {
  const data = load({ type: 'Double', t: [10, 20, 30, 40], v: [1, 2, 3, 4], q: 'GUUB' });
  assert.deepEqual(data.bands(50), [[20, 40, 'U'], [40, 50, 'B']]);
});

test('the point under the cursor is the last one at or before it', () => {
  const data = load({ type: 'Double', t: [10, 20, 30], v: [1, 2, 3], q: 'GGG' });
  assert.deepEqual([5, 10, 19, 20, 99].map((ms) => data.indexAt(ms)), [-1, 0, 0, 1, 2]);
});

test('CSV has exact numbers, UTC times, quality words, and quotes only where needed', () => {
  assert.equal(csvOf('a/b, c', { type: 'Float', t: [0, 1500], v: [Math.fround(1.3), null], q: 'GS' }),
    'time,path,value,quality\n1970-01-01T00:00:00.000Z,"a/b, c",1.3,GOOD\n1970-01-01T00:00:01.500Z,"a/b, c",,STALE\n');
  assert.equal(csvOf('t', { type: 'String', t: [0], v: ['say "hi"'], q: 'G' }).split('\n')[1], '1970-01-01T00:00:00.000Z,t,"say ""hi""",GOOD');
  assert.equal(csvOf('t', { type: 'Int64', t: [0], v: ['9223372036854775807'] }).split('\n')[1], '1970-01-01T00:00:00.000Z,t,9223372036854775807,GOOD');
  assert.equal(csvOf('t', null), 'time,path,value,quality\n');
});
