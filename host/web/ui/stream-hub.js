// stream-hub.js -- one live stream for any number of pages.
//
// Runs inside the SharedWorker (one for all tabs of this origin, because browsers allow six connections per server), or
// inside the page where there is no such worker. Each page says what it wants to see (globs); the hub asks the host for
// the union, passes on what arrives, and gives a page that comes later the values the others have already.
//
//   idle --first page--> connecting --200--> open --error, silence, bye--> lost --timer--> connecting
//
// Messages to pages: {kind:'status', state, since, retryAt, detail, live}, {kind:'hello', hello, at}, {kind:'dict', rows},
// {kind:'values', rows}, {kind:'state', rows}, {kind:'event', rows}, {kind:'write', rows}, {kind:'tree', change}, {kind:'reset'}.

import { parseJson } from './fmt.js';
import { SseParser } from './sse.js';

const SILENCE_MS = 40000;   // the host sends a comment every 15 s
const RETUNE_MS = 150;      // a new selection waits for more of its kind
const RETRY_MAX_MS = 15000;
const asList = (data) => (Array.isArray(data) ? data : [data]);

export class StreamHub {
  #pages = new Map();  // page -> globs
  #dict = new Map();   // tag id -> dict row
  #values = new Map(); // tag id -> value row
  #status = { kind: 'status', state: 'idle', since: 0, retryAt: null, detail: null };
  #hello = null;
  #select = '';
  #lastId = '';
  #abort = null;
  #retuneTimer = null;
  #retryTimer = null;
  #silenceTimer = null;
  #retryMs = 1000;
  #failures = 0;
  #canRetune = true;

  // env: { base, fetch, now(), setTimeout, clearTimeout, emit(page, message) }
  constructor(env) { this.env = env; }

  // What `page` wants; the first call attaches it.
  want(page, globs) {
    const isNew = !this.#pages.has(page);
    this.#pages.set(page, globs);
    if (isNew) {
      this.env.emit(page, this.#status);
      if (this.#hello) this.env.emit(page, this.#hello);
      if (this.#dict.size) this.env.emit(page, { kind: 'dict', rows: [...this.#dict.values()] });
      if (this.#values.size) this.env.emit(page, { kind: 'values', rows: [...this.#values.values()] });
    }
    this.#tuneSoon();
  }
  leave(page) {
    this.#pages.delete(page);
    if (this.#pages.size) this.#tuneSoon();
    else this.stop();
  }
  // Connect now instead of at the end of the wait.
  retryNow() {
    if (this.#status.state === 'lost') this.#connect();
  }
  stop() {
    for (const timer of [this.#retuneTimer, this.#retryTimer, this.#silenceTimer]) this.env.clearTimeout(timer);
    this.#abort?.abort();
    this.#abort = null;
    this.#select = '';
    this.#lastId = '';
    this.#dict.clear();
    this.#values.clear();
    this.#setStatus('idle');
  }

  #union() {
    return [...new Set([...this.#pages.values()].flat())].sort();
  }
  #tuneSoon() {
    if (this.#status.state === 'idle') {
      this.#connect();
      return;
    }
    this.env.clearTimeout(this.#retuneTimer);
    this.#retuneTimer = this.env.setTimeout(() => this.#tune(), RETUNE_MS);
  }
  async #tune() {
    const globs = this.#union();
    if (!globs.length || JSON.stringify(globs) === this.#select || this.#status.state !== 'open') return;
    const sid = this.#hello?.hello?.sid;
    if (sid && this.#canRetune) {
      this.#select = JSON.stringify(globs);
      try {
        const answer = await this.env.fetch(`${this.env.base}streams/${encodeURIComponent(sid)}`, {
          method: 'PUT', body: JSON.stringify({ select: globs }),
          headers: { 'Content-Type': 'application/json', 'X-Requested-With': 'plantree' },
        });
        if (answer.ok) return;
      } catch { /* the stream itself will notice a dead connection */ }
      this.#canRetune = false; // this host only takes a selection at the start of a stream
    }
    this.#lastId = ''; // another selection: its values must be sent anew
    this.#connect();
  }

  async #connect() {
    this.env.clearTimeout(this.#retryTimer);
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    const globs = this.#union(), select = JSON.stringify(globs);
    if (select !== this.#select) this.#lastId = ''; // going on where it was would leave out what is newly asked for
    this.#select = select;
    if (this.#status.state !== 'open') this.#setStatus('connecting');
    // Commas separate globs here; one inside a path becomes "any character".
    const list = globs.map((glob) => encodeURIComponent(glob.replaceAll(',', '?'))).join(',');
    const url = `${this.env.base}stream?select=${list}&events=1&tree=1`;
    const headers = { Accept: 'text/event-stream' };
    if (this.#lastId) headers['Last-Event-ID'] = this.#lastId;
    try {
      this.#watchSilence(abort);
      const answer = await this.env.fetch(url, { headers, signal: abort.signal, cache: 'no-store' });
      if (abort.signal.aborted) return;
      if (!answer.ok) throw new Error(`the host answered ${answer.status}`);
      await this.#read(answer.body, abort);
      throw new Error('the host ended the stream');
    } catch (error) {
      if (this.#abort === abort) this.#lost(error);
    }
  }
  async #read(body, abort) {
    const parser = new SseParser({
      onEvent: (event) => this.#event(event),
      onRetry: (ms) => { this.#retryMs = Math.max(200, Math.min(ms, RETRY_MAX_MS)); },
      onComment: () => {},
    });
    const reader = body.getReader();
    const decoder = new TextDecoder();
    this.#failures = 0;
    this.#setStatus('open');
    this.#tuneSoon(); // somebody may have asked for more meanwhile
    for (;;) {
      const { done, value } = await reader.read();
      if (abort.signal.aborted || done) return;
      this.#watchSilence(abort);
      parser.push(decoder.decode(value, { stream: true }));
      if (parser.lastId) this.#lastId = parser.lastId;
    }
  }
  #watchSilence(abort) {
    this.env.clearTimeout(this.#silenceTimer);
    this.#silenceTimer = this.env.setTimeout(() => {
      if (this.#abort !== abort) return;
      abort.abort();
      this.#lost(new Error(`nothing heard for ${SILENCE_MS / 1000} s`));
    }, SILENCE_MS);
  }
  #lost(error) {
    this.env.clearTimeout(this.#silenceTimer);
    this.#abort = null;
    const wait = Math.min(RETRY_MAX_MS, this.#retryMs * 2 ** Math.min(this.#failures++, 4));
    this.#setStatus('lost', { retryAt: this.env.now() + wait, detail: String(error.message ?? error) });
    this.#retryTimer = this.env.setTimeout(() => this.#connect(), wait);
  }

  // `since` is when live values stopped or began, so it stays over the attempts of one outage.
  #setStatus(state, more = {}) {
    const old = this.#status;
    const live = state === 'open';
    const since = live === (old.state === 'open') && old.since ? old.since : this.env.now();
    this.#status = { kind: 'status', state, since, retryAt: null, detail: live ? null : old.detail, ...more };
    if (live && old.state === 'open') return;
    this.#all(this.#status);
  }
  #all(message) {
    for (const page of this.#pages.keys()) this.env.emit(page, message);
  }

  #event({ event, data }) {
    let body;
    try {
      body = parseJson(data);
    } catch {
      return; // not ours to repair; the next snapshot will tell
    }
    switch (event) {
      case 'hello':
        this.#hello = { kind: 'hello', hello: body, at: this.env.now() };
        this.#all(this.#hello);
        break;
      case 'dict':
        for (const row of body) this.#dict.set(row[0], row);
        this.#all({ kind: 'dict', rows: body });
        break;
      case 'snapshot':
      case 'value':
        for (const row of body) this.#values.set(row[0], row);
        this.#all({ kind: 'values', rows: body });
        break;
      case 'state':
      case 'event':
      case 'write':
        this.#all({ kind: event, rows: asList(body) });
        break;
      case 'tree':
        this.#all({ kind: 'tree', change: body });
        break;
      case 'reset':
        this.#dict.clear();
        this.#values.clear();
        this.#all({ kind: 'reset' });
        break;
      case 'bye':
        this.#abort?.abort();
        this.#lost(new Error(`the host closed the stream${body?.reason ? `: ${body.reason}` : ''}`));
        break;
      default: // lag, replay and whatever a newer host sends
        break;
    }
  }
}
