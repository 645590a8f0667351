// sse.js -- server-sent events as they come over fetch(): bytes in any pieces, events out. Pure.
//
// EventSource would do most of this, but hides the server's heart-beat comments, and they are the only way to notice a
// stream that stands still behind a dead network.

export class SseParser {
  lastId = ''; // of what came whole: where to go on after a break
  #id = '';
  #rest = '';
  #event = '';
  #data = [];
  #first = true;
  // onEvent({event, data, id}), onRetry(ms), onComment()
  constructor({ onEvent, onRetry, onComment }) {
    this.onEvent = onEvent;
    this.onRetry = onRetry;
    this.onComment = onComment;
  }

  push(text) {
    if (this.#first && text) {
      this.#first = false;
      if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
    }
    const all = this.#rest + text;
    let start = 0;
    for (let i = 0; i < all.length; i++) {
      const c = all[i];
      if (c !== '\n' && c !== '\r') continue;
      if (c === '\r' && i + 1 === all.length) break; // perhaps half of a CR LF
      this.#line(all.slice(start, i));
      if (c === '\r' && all[i + 1] === '\n') i++;
      start = i + 1;
    }
    this.#rest = all.slice(start);
  }

  #line(line) {
    if (line === '') {
      this.lastId = this.#id;
      if (this.#data.length) this.onEvent({ event: this.#event || 'message', data: this.#data.join('\n'), id: this.lastId });
      this.#event = '';
      this.#data = [];
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) {
      this.onComment?.();
      return;
    }
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + (line[colon + 1] === ' ' ? 2 : 1));
    if (field === 'event') this.#event = value;
    else if (field === 'data') this.#data.push(value);
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
    else if (field === 'retry' && /^\d+$/.test(value)) this.onRetry?.(Number(value));
  }
}
