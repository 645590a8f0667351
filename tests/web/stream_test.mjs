import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SseParser } from '../../host/web/ui/sse.js';
import { StreamHub } from '../../host/web/ui/stream-hub.js';

const parse = (pieces) => {
  const events = [], retries = [];
  let comments = 0;
  const parser = new SseParser({ onEvent: (event) => events.push(event), onRetry: (ms) => retries.push(ms), onComment: () => comments++ });
  for (const piece of pieces) parser.push(piece);
  return { events, retries, comments, parser };
};

test('events come whole out of any pieces, with every kind of line end', () => {
  const text = '\ufeffretry: 3000\r\n\r\nid: e-1\revent: value\rdata: [1,\rdata: 2]\r\r: hb\n\nevent: state\ndata:x\n\nevent: nothing\n\ndata\n\n';
  const whole = parse([text]);
  assert.deepEqual(whole.events, [
    { event: 'value', data: '[1,\n2]', id: 'e-1' }, { event: 'state', data: 'x', id: 'e-1' }, { event: 'message', data: '', id: 'e-1' }]);
  assert.deepEqual(whole.retries, [3000]);
  assert.equal(whole.comments, 1);
  assert.deepEqual(parse([...text]).events, whole.events, 'one character at a time');
});

test('an event that is not finished is not told', () => {
  const { events, parser } = parse(['id: 1\ndata: whole\n\nid: 2\ndata: half\n']);
  assert.equal(events.length, 1);
  assert.equal(parser.lastId, '1', 'going on after a break repeats what was cut');
  parser.push('\nid: 3\n\n');
  assert.equal(parser.lastId, '3', 'an id alone moves the place');
});

// A host made of promises and a clock that the test turns.
function world() {
  const w = { now: 1000, timers: [], fetched: [], sent: [], put: 405 };
  w.env = {
    base: 'http://host/api/v1/',
    now: () => w.now,
    setTimeout: (run, ms) => {
      const timer = { run, at: w.now + ms };
      w.timers.push(timer);
      return timer;
    },
    clearTimeout: (timer) => { w.timers = w.timers.filter((other) => other !== timer); },
    emit: (page, message) => w.sent.push([page, message]),
    fetch: (url, options = {}) => {
      if (options.method === 'PUT') {
        w.fetched.push({ url, options });
        return Promise.resolve({ ok: w.put === 200, status: w.put });
      }
      const stream = { url, options };
      w.fetched.push(stream);
      const body = new ReadableStream({ start(controller) { stream.controller = controller; } });
      options.signal.addEventListener('abort', () => { try { stream.controller.error(new Error('aborted')); } catch { /* closed before */ } });
      stream.push = (text) => stream.controller.enqueue(new TextEncoder().encode(text));
      return w.refuse ? Promise.resolve({ ok: false, status: w.refuse }) : Promise.resolve({ ok: true, status: 200, body });
    },
  };
  w.settle = () => new Promise((done) => setImmediate(done));
  w.advance = async (ms) => {
    w.now += ms;
    for (;;) {
      const due = w.timers.filter((timer) => timer.at <= w.now).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      w.env.clearTimeout(due);
      due.run();
      await w.settle();
    }
    await w.settle();
  };
  w.to = (page, kind) => w.sent.filter(([p, message]) => p === page && message.kind === kind).map(([, message]) => message);
  w.state = () => w.sent.filter(([, message]) => message.kind === 'status').at(-1)[1];
  w.hub = new StreamHub(w.env);
  return w;
}

test('a page gets what the host sends, by kind', async () => {
  const w = world();
  w.hub.want('p', ['a/*']);
  await w.settle();
  assert.equal(w.fetched[0].url, 'http://host/api/v1/stream?select=a%2F*&events=1&tree=1');
  w.fetched[0].push('id: e-1\nevent: hello\ndata: {"sid":"s1","epoch":"e"}\n\nevent: dict\ndata: [[1,"a/b","Int64",null]]\n\n'
    + 'event: value\ndata: [[1,5,9223372036854775807,"G"]]\n\nevent: state\ndata: [{"node":"g/e","state":"online","at":1}]\n\n'
    + 'event: event\ndata: {"seq":1}\n\nevent: tree\ndata: {"added":["a/c"]}\n\nevent: lag\ndata: {}\n\nevent: value\ndata: not json\n\n');
  await w.settle();
  assert.equal(w.state().state, 'open');
  assert.deepEqual(w.to('p', 'values')[0].rows, [[1, 5, '9223372036854775807', 'G']]);
  assert.deepEqual(w.to('p', 'state')[0].rows.length, 1);
  assert.deepEqual(w.to('p', 'event')[0].rows, [{ seq: 1 }]);
  assert.deepEqual(w.to('p', 'tree')[0].change, { added: ['a/c'] });
});

test('a page that comes later gets the names and values the hub knows', async () => {
  const w = world();
  w.hub.want('p', ['*']);
  await w.settle();
  w.fetched[0].push('event: dict\ndata: [[1,"a","Int32",null]]\n\nevent: snapshot\ndata: [[1,5,7,"G"]]\n\n');
  await w.settle();
  w.hub.want('q', ['*']);
  assert.deepEqual(w.to('q', 'dict')[0].rows, [[1, 'a', 'Int32', null]]);
  assert.deepEqual(w.to('q', 'values')[0].rows, [[1, 5, 7, 'G']]);
  await w.advance(1000);
  assert.equal(w.fetched.length, 1, 'the same selection needs no other stream');
});

test('a new selection goes to the running stream where the host can, else a new stream asks for it', async () => {
  for (const put of [200, 405]) {
    const w = world();
    w.put = put;
    w.hub.want('p', ['a/*']);
    await w.settle();
    w.fetched[0].push('id: e-9\nevent: hello\ndata: {"sid":"s 1"}\n\n');
    await w.settle();
    w.hub.want('p', ['a/*', 'b/*']);
    w.hub.want('p', ['b/*', 'c']);
    await w.advance(200);
    assert.equal(w.fetched[1].url, 'http://host/api/v1/streams/s%201');
    assert.deepEqual(JSON.parse(w.fetched[1].options.body), { select: ['b/*', 'c'] });
    assert.equal(w.fetched.length, put === 200 ? 2 : 3);
    if (put === 405) {
      assert.match(w.fetched[2].url, /select=b%2F\*,c&/);
      assert.equal(w.fetched[2].options.headers['Last-Event-ID'], undefined, 'its values must come anew');
      assert.ok(w.fetched[0].options.signal.aborted);
      assert.equal(w.state().state, 'open', 'changing over is not an outage');
    }
  }
});

test('a lost stream is tried again with growing waits, goes on where it was, and says since when', async () => {
  const w = world();
  w.hub.want('p', ['*']);
  await w.settle();
  w.fetched[0].push('retry: 1000\nid: e-42\nevent: hello\ndata: {}\n\n');
  await w.settle();
  w.now = 50000;
  w.refuse = 503;
  w.fetched[0].controller.close();
  await w.settle();
  assert.deepEqual([w.state().state, w.state().since, w.state().retryAt], ['lost', 50000, 51000]);
  await w.advance(1000);
  assert.equal(w.fetched[1].options.headers['Last-Event-ID'], 'e-42');
  assert.deepEqual([w.state().state, w.state().since], ['lost', 50000], 'the outage began with the first loss');
  assert.match(w.state().detail, /503/);
  assert.equal(w.state().retryAt, 53000);
  w.refuse = 0;
  await w.advance(2000);
  assert.deepEqual([w.state().state, w.state().since], ['open', 53000]);
  w.fetched.at(-1).controller.close();
  await w.settle();
  assert.equal(w.state().retryAt, 54000, 'waits begin small again after a good connection');
  w.hub.retryNow();
  await w.settle();
  assert.equal(w.state().state, 'open');
});

test('what was asked for during an outage comes with its values', async () => {
  const w = world();
  w.hub.want('p', ['a/*']);
  await w.settle();
  w.fetched[0].push('id: e-42\nevent: hello\ndata: {}\n\n');
  await w.settle();
  w.fetched[0].controller.close();
  await w.settle();
  w.hub.want('p', ['b/*']);
  await w.advance(1000);
  assert.match(w.fetched[1].url, /select=b%2F\*&/);
  assert.equal(w.fetched[1].options.headers['Last-Event-ID'], undefined, 'a resumed stream sends no snapshot');
});

test('a stream that falls silent is given up although nothing closed it', async () => {
  const w = world();
  w.hub.want('p', ['*']);
  await w.settle();
  for (let i = 0; i < 5; i++) {
    await w.advance(15000);
    w.fetched[0].push(': hb\n\n');
    await w.settle();
  }
  assert.equal(w.state().state, 'open');
  await w.advance(41000);
  assert.equal(w.state().state, 'lost');
  assert.match(w.state().detail, /nothing heard/);
  await w.advance(2000);
  assert.equal(w.state().state, 'open', 'a second stream stands');
  assert.equal(w.fetched.length, 2);
});

test('reset forgets, bye reconnects, and the last page to leave closes the stream', async () => {
  const w = world();
  w.hub.want('p', ['*']);
  await w.settle();
  w.fetched[0].push('event: dict\ndata: [[1,"a","Int32",null]]\n\nevent: reset\ndata: {"reason":"epoch"}\n\nevent: bye\ndata: {"reason":"slow"}\n\n');
  await w.settle();
  assert.equal(w.to('p', 'reset').length, 1);
  assert.deepEqual([w.state().state, w.state().detail], ['lost', 'the host closed the stream: slow']);
  await w.advance(1000);
  assert.equal(w.state().state, 'open');
  w.hub.want('q', ['*']);
  assert.equal(w.to('q', 'dict').length, 0);
  w.hub.leave('p');
  w.hub.leave('q');
  assert.ok(w.fetched.at(-1).options.signal.aborted);
  await w.advance(100000);
  assert.equal(w.fetched.length, 2, 'nobody is there to reconnect for');
});
