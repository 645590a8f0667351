// stream.js -- the page's end of the live stream: through the SharedWorker, or a hub of its own where there is none.

import { StreamHub } from './stream-hub.js';

const WORKER_WAIT_MS = 3000;
const ALIVE_MS = 10000;

// onMessage gets the hub's messages (stream-hub.js). Returns { want(globs), retryNow(), close(), shared }.
export function openStream({ base, onMessage }) {
  let port = null, hub = null, globs = ['*'], closed = false;
  const page = {};

  const useOwnHub = () => {
    if (hub || closed) return;
    port = null;
    hub = new StreamHub({
      base,
      fetch: (url, options) => fetch(url, options),
      now: () => Date.now(),
      setTimeout: (run, ms) => setTimeout(run, ms),
      clearTimeout: (timer) => clearTimeout(timer),
      emit: (_, message) => onMessage(message),
    });
    hub.want(page, globs);
  };
  const send = () => {
    if (port) port.postMessage({ kind: 'want', base, globs });
    else hub?.want(page, globs);
  };

  if (typeof SharedWorker === 'function') {
    try {
      const worker = new SharedWorker(new URL('./stream-worker.js', import.meta.url), { type: 'module', name: 'plantree-stream' });
      const fallback = setTimeout(useOwnHub, WORKER_WAIT_MS);
      worker.onerror = () => {
        clearTimeout(fallback);
        useOwnHub();
      };
      worker.port.onmessage = ({ data }) => {
        if (data.kind !== 'ready') {
          if (port) onMessage(data);
          return;
        }
        clearTimeout(fallback);
        if (hub || closed) {
          worker.port.postMessage({ kind: 'bye' }); // it came too late
          return;
        }
        port = worker.port;
        send();
      };
    } catch {
      useOwnHub();
    }
  } else {
    useOwnHub();
  }
  const alive = setInterval(() => port?.postMessage({ kind: 'alive' }), ALIVE_MS);

  const close = () => {
    closed = true;
    clearInterval(alive);
    port?.postMessage({ kind: 'bye' });
    port = null;
    hub?.stop();
  };
  addEventListener('pagehide', (event) => {
    if (!event.persisted) close();
    else port?.postMessage({ kind: 'bye' });
  });
  addEventListener('pageshow', (event) => {
    if (event.persisted) send(); // back from the browser's page cache
  });

  return {
    want(next) {
      globs = next;
      send();
    },
    retryNow() {
      if (port) port.postMessage({ kind: 'retry' });
      else hub?.retryNow();
    },
    close,
    get shared() { return Boolean(port); },
  };
}
