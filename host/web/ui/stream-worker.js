// stream-worker.js -- the SharedWorker: one StreamHub for all tabs, each behind its port.
//
// A tab says {kind:'want', base, globs} and {kind:'alive'} every few seconds; it goes with {kind:'bye'} or, when it
// crashed, by falling silent.

import { StreamHub } from './stream-hub.js';

const SILENT_TAB_MS = 90000; // a hidden tab's timers may run once a minute only
const lastHeard = new Map();
let hub = null;

const start = (base) => new StreamHub({
  base,
  fetch: (url, options) => fetch(url, options),
  now: () => Date.now(),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => clearTimeout(timer),
  emit: (port, message) => port.postMessage(message),
});
const leave = (port) => {
  lastHeard.delete(port);
  hub?.leave(port);
};

self.addEventListener('connect', (connect) => {
  const port = connect.ports[0];
  port.onmessage = ({ data }) => {
    lastHeard.set(port, Date.now());
    if (data.kind === 'want') (hub ??= start(data.base)).want(port, data.globs);
    else if (data.kind === 'retry') hub?.retryNow();
    else if (data.kind === 'bye') leave(port);
  };
  port.postMessage({ kind: 'ready' });
});
setInterval(() => {
  for (const [port, at] of lastHeard) if (Date.now() - at > SILENT_TAB_MS) leave(port);
}, 10000);
