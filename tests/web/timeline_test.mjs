import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clustersOf, gridTimes, timelineOf, uptime } from '../../host/web/ui/timeline-model.js';

const nodes = [{ group: 'g', edge: 'e', state: 'online', since_ms: 50, devices: [{ device: 'd', state: 'online', since_ms: 60 }] },
  { group: 'g', edge: 'quiet', state: 'offline', since_ms: -1000, devices: [] }];
const event = (time_ms, type, device = null) => ({ seq: time_ms, time_ms, type, node: 'g/e', device });
const bars = (row) => row.bars.map((bar) => [bar.from, bar.to, bar.state]);

test('births and deaths make bars, and a node takes its devices with it', () => {
  const [e, d, quiet] = timelineOf(nodes, [event(60, 'dbirth', 'd'), event(20, 'ndeath'), event(50, 'nbirth')], 0, 100);
  assert.deepEqual(bars(e), [[0, 20, 'online'], [20, 50, 'offline'], [50, 100, 'online']]);
  assert.deepEqual(bars(d), [[0, 20, 'online'], [20, 60, 'offline'], [60, 100, 'online']]);
  assert.deepEqual(bars(quiet), [[0, 100, 'offline']], 'nothing happened: the present state');
  assert.deepEqual([e.key, d.key, d.device], ['g/e', 'g/e/d', 'd']);
});

test('what was before the first birth is not known, and a rebirth changes nothing', () => {
  const [e] = timelineOf(nodes, [event(30, 'nbirth'), event(50, 'nbirth'), event(70, 'nbirth')], 0, 100);
  assert.deepEqual(bars(e), [[0, 30, 'unknown'], [30, 100, 'online']]);
});

test('a node that came in the range without an event is known from then on', () => {
  const [e] = timelineOf(nodes, [], 0, 100);
  assert.deepEqual(bars(e), [[0, 50, 'unknown'], [50, 100, 'online']]);
});

test('a present state that is newer than the last event began when the host says', () => {
  const [e] = timelineOf(nodes, [event(20, 'ndeath')], 0, 100);
  assert.deepEqual(bars(e), [[0, 20, 'online'], [20, 50, 'offline'], [50, 100, 'online']]);
});

test('everything that is no birth and no death is a mark; events of others are passed over', () => {
  const [e, d] = timelineOf(nodes, [event(10, 'seq-gap'), event(20, 'write', 'd'), { time_ms: 5, type: 'nbirth', node: 'x/y' }, event(500, 'seq-gap')], 0, 100);
  assert.deepEqual(e.ticks.map((tick) => [tick.at, tick.type]), [[10, 'seq-gap']]);
  assert.deepEqual(d.ticks.map((tick) => tick.type), ['write']);
});

test('marks that are close together become one', () => {
  const ticks = [10, 12, 19, 20, 45].map((at) => ({ at }));
  assert.deepEqual(clustersOf(ticks, 10).map((c) => [c.at, c.ticks.length]), [[10, 3], [20, 1], [45, 1]]);
});

test('uptime counts what is known', () => {
  assert.equal(uptime([{ from: 0, to: 50, state: 'unknown' }, { from: 50, to: 75, state: 'online' }, { from: 75, to: 100, state: 'offline' }]), 0.5);
  assert.ok(Number.isNaN(uptime([{ from: 0, to: 50, state: 'unknown' }])));
});

test('the grid has round times, not too many', () => {
  for (const span of [3600e3, 8 * 3600e3, 86400e3, 7 * 86400e3, 90 * 86400e3]) {
    const times = gridTimes(1763848992123, 1763848992123 + span);
    assert.ok(times.length >= 3 && times.length <= 8, `${times.length} for ${span}`);
    assert.ok(times.every((t) => t % 60000 === 0));
  }
});
