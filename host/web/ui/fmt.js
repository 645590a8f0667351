// fmt.js -- numbers, times, qualities and paths as text, and text as values. Pure: no DOM, no clock.
//
// Values come as the host sends them: number, boolean, string, null or object. A 64-bit integer that JavaScript's
// numbers cannot hold comes out of parseJson() as a string of digits and stays one: it is shown and sent back whole.

const INTEGERS = {
  Int8: [-128n, 127n], Int16: [-32768n, 32767n], Int32: [-2147483648n, 2147483647n],
  Int64: [-9223372036854775808n, 9223372036854775807n],
  UInt8: [0n, 255n], UInt16: [0n, 65535n], UInt32: [0n, 4294967295n], UInt64: [0n, 18446744073709551615n],
};
const FLOAT32_MAX = 3.4028234663852886e38;
const NARROW_SPACE = '\u202f';
export const NO_VALUE = '\u2013';

// JSON.parse that keeps integers beyond 2^53 as strings of digits. The slow way is taken only when the text has a run of
// digits long enough to matter.
export function parseJson(text) {
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  return JSON.parse(text.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g,
    (token) => (/^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token)) ? `"${token}"` : token)));
}

// 'bool' | 'int' | 'float' | 'time' | 'text' | 'other'
export function kindOf(type) {
  if (type === 'Boolean') return 'bool';
  if (type === 'Float' || type === 'Double') return 'float';
  if (type === 'DateTime') return 'time';
  if (INTEGERS[type]) return 'int';
  if (type === 'String' || type === 'Text' || type === 'UUID') return 'text';
  return 'other';
}

// For plotting; NaN when there is no number in it. A type is optional.
export function toNumber(value, type) {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'string' && kindOf(type) === 'int' && /^-?\d+$/.test(value)) return Number(value);
  return NaN;
}

// Can values of this type be drawn as a line? An unknown type is judged by a value.
export function isPlottable(type, value) {
  const kind = kindOf(type);
  if (kind === 'other' && !type) return Number.isFinite(toNumber(value));
  return kind === 'bool' || kind === 'float' || kind === 'int';
}

// The shortest decimal text of a float32 that was widened to a double.
function shortestFloat32(value) {
  for (let digits = 1; digits <= 9; digits++) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === Math.fround(value)) return String(Number(text));
  }
  return String(value);
}

// All digits there are.
export function exactNumber(value, type) {
  return type === 'Float' ? shortestFloat32(value) : String(value);
}

// Decimals worth showing: what the number has, at most five significant digits in all.
export function decimalsOf(value, type) {
  if (typeof value !== 'number' || !Number.isFinite(value) || Number.isInteger(value)) return 0;
  const text = exactNumber(value, type);
  const exponent = text.indexOf('e') < 0 ? 0 : Number(text.slice(text.indexOf('e') + 1));
  const mantissa = text.split('e')[0];
  const point = mantissa.indexOf('.');
  const has = Math.max(0, (point < 0 ? 0 : mantissa.length - point - 1) - exponent);
  const whole = Math.abs(value) < 1 ? 1 : Math.floor(Math.log10(Math.abs(value))) + 1;
  return Math.min(has, Math.max(0, 5 - whole));
}

export function group(text) {
  const [, sign, whole, rest] = /^(-?)(\d+)(.*)$/.exec(text) ?? [null, '', '', text];
  return sign + whole.replace(/\B(?=(\d{3})+$)/g, NARROW_SPACE) + rest;
}

// `decimals` is the tag's own fixed number of decimals, so that a column of values does not jump.
export function formatNumber(value, decimals, type) {
  if (!Number.isFinite(value)) return String(value);
  if (kindOf(type) === 'int') return group(String(value));
  const size = Math.abs(value);
  if (size >= 1e12) return value.toExponential(4);
  if (size > 0 && size < 0.5 * 10 ** -decimals) return value.toExponential(2);
  return group(value.toFixed(decimals));
}

export function formatValue(value, type, decimals) {
  if (value === undefined) return NO_VALUE;
  if (value === null) return 'null';
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (kindOf(type) === 'time') {
    const ms = Number(value);
    if (Number.isFinite(ms)) return isoTime(ms);
  }
  if (typeof value === 'number') return formatNumber(value, decimals ?? decimalsOf(value, type), type);
  if (typeof value === 'string') return kindOf(type) === 'int' ? group(value) : value;
  return JSON.stringify(value);
}

const pad = (n, width = 2) => String(n).padStart(width, '0');

export function isoTime(ms) {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString();
}
export function formatClock(ms, withMs = false) {
  const d = new Date(ms);
  return `${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}` + (withMs ? `.${pad(d.getMilliseconds(), 3)}` : '');
}
export function formatDate(ms) {
  const d = new Date(ms);
  return `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())}`;
}
export function formatTime(ms, withMs = false) {
  return Number.isFinite(ms) && ms > 0 ? `${formatDate(ms)} ${formatClock(ms, withMs)}` : NO_VALUE;
}
// The clock alone when it was today.
export function formatShort(ms, nowMs) {
  return formatDate(ms) === formatDate(nowMs) ? formatClock(ms) : `${formatDate(ms)} ${formatClock(ms).slice(0, 5)}`;
}
// Two steps of resolution: "7 s", "12 min", "3 h 20 min", "5 d 4 h".
export function formatAge(ms) {
  if (!Number.isFinite(ms)) return NO_VALUE;
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return `${s} s`;
  const min = Math.floor(s / 60);
  if (min < 60) return `${min} min`;
  const h = Math.floor(min / 60);
  if (h < 24) return min % 60 ? `${h} h ${min % 60} min` : `${h} h`;
  return h % 24 ? `${Math.floor(h / 24)} d ${h % 24} h` : `${Math.floor(h / 24)} d`;
}
// A time as the host writes it, epoch ms or RFC 3339; NaN when it is neither.
export function parseTime(value) {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return NaN;
  return /^-?\d+$/.test(value) ? Number(value) : Date.parse(value);
}
export function formatRate(perSecond) {
  if (!Number.isFinite(perSecond)) return NO_VALUE;
  return perSecond >= 100 ? group(String(Math.round(perSecond))) : String(Math.round(perSecond * 10) / 10);
}

// One letter of the API (or the whole word) to what a person sees.
const QUALITIES = {
  G: { word: 'Good', glyph: null, level: 'good' }, U: { word: 'Uncertain', glyph: 'triangle', level: 'warn' },
  B: { word: 'Bad', glyph: 'square', level: 'bad' }, S: { word: 'Stale', glyph: 'clock', level: 'stale' },
  N: { word: 'No data', glyph: 'ring', level: 'stale' },
};
export function quality(q) {
  return QUALITIES[(q ?? 'N')[0]] ?? QUALITIES.N;
}

// Slashes stay, everything else in a segment is escaped.
export function encodePath(path) {
  return path.split('/').map(encodeURIComponent).join('/');
}
export function decodePath(text) {
  try {
    return text.split('/').map(decodeURIComponent).join('/');
  } catch {
    return text; // not ours: shown as it stands
  }
}

// What a person typed -> the JSON text of a value that fits `type` exactly, or why it does not.
// Text, because a 64-bit integer must not pass through a JavaScript number.
export function valueLiteral(text, type) {
  const kind = kindOf(type);
  const trimmed = text.trim();
  if (kind === 'text') return { json: JSON.stringify(text) };
  if (kind === 'bool') {
    return trimmed === 'true' || trimmed === 'false' ? { json: trimmed } : { error: 'true or false' };
  }
  if (kind === 'int' || (kind === 'time' && /^-?\d+$/.test(trimmed))) {
    if (!/^[+-]?\d+$/.test(trimmed)) return { error: 'a whole number' };
    const number = BigInt(trimmed.replace(/^\+/, ''));
    const [low, high] = INTEGERS[type] ?? INTEGERS.UInt64;
    return number < low || number > high ? { error: `between ${low} and ${high}` } : { json: String(number) };
  }
  if (kind === 'time') {
    const ms = Date.parse(trimmed);
    return Number.isNaN(ms) ? { error: 'a time such as 2026-01-31T06:00:00Z' } : { json: String(ms) };
  }
  if (kind === 'float' || /^[+-]?\d/.test(trimmed)) {
    const number = trimmed === '' ? NaN : Number(trimmed);
    if (!Number.isFinite(number)) return { error: 'a number' };
    if (type === 'Float' && Math.abs(number) > FLOAT32_MAX) return { error: 'a number that fits a 32-bit float' };
    return { json: String(number) };
  }
  if (!type) {
    return trimmed === 'true' || trimmed === 'false' ? { json: trimmed } : { json: JSON.stringify(text) };
  }
  return { error: `a value of type ${type} cannot be written from here` };
}
