import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describe, detailText, levelOf, mergeEvents } from '../../host/web/ui/event-list.js';
import { accountsOf, Cell, fleetOf, patchNodes, TagStore } from '../../host/web/ui/store.js';

const newStore = () => {
  const paints = [];
  const store = new TagStore((paint) => paints.push(paint));
  return { store, paints };
};

test('values reach their tag and ids without a name are counted', () => {
  const { store } = newStore();
  store.applyDict([[7, 'a/b', 'Double', 'm']]);
  assert.equal(store.applyValues([[7, 1000, 1.25, 'G'], [8, 1000, 2, 'G']]), 1);
  assert.deepEqual({ ...store.get('a/b') }, { id: 7, path: 'a/b', type: 'Double', unit: 'm', decimals: 2, ms: 1000, value: 1.25, q: 'G', changes: 1 });
  assert.equal(store.get('a/c'), undefined);
});

test('a watcher hears once per paint however many values came, and only of its own tag', () => {
  const { store, paints } = newStore();
  store.applyDict([[1, 'a', 'Int32', null], [2, 'b', 'Int32', null]]);
  let heard = 0, other = 0;
  const stop = store.watch('a', () => heard++);
  store.watch('b', () => other++);
  for (let i = 0; i < 100; i++) store.applyValues([[1, i, i, 'G']]);
  assert.equal(paints.length, 1);
  paints.pop()();
  assert.deepEqual([heard, other], [1, 0]);
  stop();
  store.applyValues([[1, 101, 5, 'G']]);
  assert.equal(paints.length, 0);
});

test('decimals only grow, so that a column of values stands still', () => {
  const { store } = newStore();
  store.applyDict([[1, 'a', 'Double', null]]);
  store.applyValues([[1, 1, 2.25, 'G'], [1, 2, 2, 'G']]);
  assert.equal(store.get('a').decimals, 2);
});

test('a tag that moved is found at its new path only', () => {
  const { store } = newStore();
  store.applyDict([[1, 'old', 'Int32', null]]);
  store.applyValues([[1, 1, 5, 'G']]);
  store.applyDict([[1, 'new', 'Int32', null]]);
  assert.equal(store.get('old'), undefined);
  assert.equal(store.get('new').value, 5);
});

test('a reading never puts an older value over a newer one', () => {
  const { store } = newStore();
  store.applyDict([[1, 'a', 'Int32', null]]);
  store.applyValues([[1, 100, 5, 'G']]);
  store.applyRead([{ tag_id: 1, path: 'a', type: 'Int32', unit: 'x', value: 4, quality: 'GOOD', timestamp_ms: 50 }]);
  assert.equal(store.get('a').value, 5);
  assert.equal(store.get('a').unit, 'x');
  store.applyRead([{ tag_id: 1, path: 'a', type: 'Int32', unit: 'x', value: 5, quality: 'STALE', timestamp_ms: 100, stale_since_ms: 120 }]);
  assert.deepEqual([store.get('a').q, store.get('a').staleSince], ['S', 120]);
  store.applyRead([{ tag_id: 2, path: 'n', type: 'Int32', value: null, quality: 'STALE', timestamp_ms: null }]);
  assert.equal(store.get('n').value, undefined);
});

test('a trend hears every sample of its path', () => {
  const { store } = newStore();
  store.applyDict([[1, 'a', 'Int32', null], [2, 'b', 'Int32', null]]);
  const got = [];
  const stop = store.tap('a', (...sample) => got.push(sample));
  store.applyValues([[1, 1, 5, 'G'], [2, 1, 6, 'G'], [1, 2, 7, 'S']]);
  stop();
  store.applyValues([[1, 3, 8, 'G']]);
  assert.deepEqual(got, [[1, 5, 'G'], [2, 7, 'S']]);
});

test('a cell tells of changes only', () => {
  const cell = new Cell(1);
  const heard = [];
  const stop = cell.subscribe((value) => heard.push(value));
  cell.set(1);
  cell.set(2);
  stop();
  cell.set(3);
  assert.deepEqual(heard, [2]);
});

const nodes = [
  { group: 'g', edge: 'e', state: 'online', since_ms: 1, seq_gaps: 1, samples: { received: 100, rejected: 2 }, devices: [{ device: 'd/x', state: 'online', since_ms: 1 }] },
  { group: 'g', edge: 'f', state: 'offline', since_ms: 1, devices: [] },
];

test('the fleet is counted and its rate is the difference between two readings', () => {
  const first = fleetOf(nodes, null, 1000);
  assert.deepEqual([first.online, first.offline, first.devicesOffline, first.gaps, first.rejected], [1, 1, 0, 1, 2]);
  assert.ok(Number.isNaN(first.rate));
  const more = [{ ...nodes[0], samples: { received: 600 } }, nodes[1]];
  const second = fleetOf(more, first, 6000);
  assert.equal(second.rate, 100);
  assert.equal(fleetOf(more, second, 6100).rate, 100, 'too soon to tell: the old rate stays');
  assert.ok(Number.isNaN(fleetOf(nodes, second, 12000).rate), 'a host that restarted counts from zero');
});

test('a state row changes the node or the device it names, and a dead node has dead devices', () => {
  const device = patchNodes(nodes, [{ device: 'g/e/d/x', state: 'offline', at: 5 }]);
  assert.deepEqual(device[0].devices[0], { device: 'd/x', state: 'offline', since_ms: 5 });
  assert.equal(device[0].state, 'online');
  assert.equal(device[1], nodes[1]);
  const both = patchNodes(nodes, [{ node: 'g/e', device: 'd/x', state: 'offline', at: '1970-01-01T00:00:01Z' }]);
  assert.equal(both[0].devices[0].since_ms, 1000);
  const dead = patchNodes(nodes, [{ node: 'g/e', state: 'offline', at: 9 }]);
  assert.deepEqual([dead[0].state, dead[0].since_ms, dead[0].devices[0].state], ['offline', 9, 'offline']);
  assert.equal(patchNodes(nodes, [{ node: 'g/unknown', state: 'online', at: 9 }]), nodes);
});

test('events that came live and by reading are shown once, newest first', () => {
  const a = { seq: 1, time_ms: 10, type: 'nbirth' }, b = { seq: 2, time_ms: 20, type: 'ndeath' };
  assert.deepEqual(mergeEvents([b], [a, b]), [b, a]);
  const noSeq = { time_ms: 5, type: 'write', node: 'g/e' };
  assert.equal(mergeEvents([noSeq], [{ ...noSeq }]).length, 1);
});

test('the detail of an event is words, and deaths are bad', () => {
  assert.equal(detailText({ a: 1, b: { c: 'x' }, d: [1, 2], e: null }), 'a 1, b.c x, d [1,2], e null');
  assert.equal(detailText(null), '');
  assert.equal(detailText('text'), 'text');
  assert.equal(detailText({ at_ms: 1763848992123 }).slice(0, 5), 'at 20');
  assert.deepEqual(['ndeath', 'seq-gap', 'nbirth'].map((type) => levelOf({ type })), ['bad', 'warn', '']);
});

test('a write tells value, outcome, reason and who, and is a warning when it went wrong', () => {
  const write = (detail) => ({ type: 'write', detail });
  assert.equal(describe(write({ id: 1, state: 'confirmed', value: 2.5, reason: 'shift', who: 'me', detail: '' })), '2.5 confirmed, reason: shift, by me');
  assert.equal(describe(write({ state: 'deviates', value: true, reported: false, detail: 'other' })), 'true deviates, the plant reports false, other');
  assert.deepEqual([levelOf(write({ state: 'confirmed' })), levelOf(write({ state: 'timeout' })), levelOf(write(null))], ['', 'warn', '']);
});

test('the accounts of a node close, and say so when they do not', () => {
  const node = { messages: { received: 10, accepted: 7, rejected: 2, held: 1 },
    samples: { received: 100, stored: 90, duplicate: 4, not_kept: 3, rejected: 2, lost: 0, historical: 50 }, rejected_by: { 'unknown-alias': { messages: 2, samples: 2 } } };
  const { messages, samples, rejectedBy } = accountsOf(node);
  assert.equal(messages.open, 0);
  assert.equal(samples.open, 1);
  assert.deepEqual(samples.parts.map(([name]) => name), ['stored', 'repeated', 'not to be kept', 'rejected', 'lost here']);
  assert.deepEqual(rejectedBy, [{ reason: 'unknown-alias', messages: 2, samples: 2 }]);
  assert.deepEqual(accountsOf({ samples: { received: 1, stored: 1 } }), { messages: null, samples: null, rejectedBy: [] }, 'a host that does not tell');
});
