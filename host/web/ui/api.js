// api.js -- the host's HTTP interface as functions. Addresses are relative to the page, so that a proxy may put the
// host under any path. A failure is an ApiError with what the host said (RFC 9457), or status 0 when nothing answered.

import { encodePath, parseJson } from './fmt.js';

export const apiBase = () => new URL('api/v1/', document.baseURI).href;

export class ApiError extends Error {
  constructor(status, title, detail) {
    super(detail || title);
    this.status = status;
    this.title = title;
  }
}

async function request(path, options = {}) {
  let answer, text;
  try {
    answer = await fetch(apiBase() + path, { cache: 'no-store', ...options });
    text = await answer.text();
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ApiError(0, 'The host does not answer.');
  }
  let body = null;
  try {
    body = text ? parseJson(text) : null;
  } catch {
    if (answer.ok) throw new ApiError(answer.status, 'The host sent something that is not JSON.');
  }
  if (!answer.ok) {
    const errors = (body?.errors ?? []).map((e) => e.message).filter(Boolean).join('; ');
    throw new ApiError(answer.status, body?.title ?? `HTTP ${answer.status}`, errors || body?.detail);
  }
  return { status: answer.status, body };
}

const query = (params) => Object.entries(params).filter(([, value]) => value !== undefined && value !== null)
  .map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join('&');
const listOf = (body) => (Array.isArray(body) ? body : body?.items ?? []);
const get = async (path, params = {}, options) => {
  const text = query(params);
  return (await request(text ? `${path}?${text}` : path, options)).body;
};
const post = (path, json, headers = {}, options = {}) => request(path, {
  ...options, method: 'POST', body: json,
  headers: { 'Content-Type': 'application/json', 'X-Requested-With': 'plantree', ...headers },
});
const segment = encodeURIComponent;

export const api = {
  nodes: async (options) => listOf(await get('nodes', {}, options)),
  tree: async (path, depth = 1, options) => listOf(await get('tree', { path: path || undefined, depth }, options)),
  values: async (paths, options) => listOf((await post('values', JSON.stringify({ paths }), {}, options)).body),
  // The newest of the range.
  events: async (params, options) => listOf(await get('events', { limit: 1000, order: 'newest', ...params }, options)),
  tag: (path, options) => get(`tags/by-path/${encodePath(path)}`, {}, options),
  async history(path, from, to, maxPoints, options) {
    const body = await get('history', { path, from: Math.round(from), to: Math.round(to), max_points: maxPoints }, options);
    return body?.series?.[0] ?? null;
  },
  rebirth: (node) => post(`nodes/${segment(node.group)}/${segment(node.edge)}/rebirth`, '{}'),
  // `valueJson` is JSON text already: a 64-bit integer must not become a JavaScript number on its way.
  write: (path, valueJson, reason, key) => post('writes',
    `{"path":${JSON.stringify(path)},"value":${valueJson},"reason":${JSON.stringify(reason)}}`, { 'Idempotency-Key': key }),
  writeState: (id) => get(`writes/${segment(id)}`),
};
