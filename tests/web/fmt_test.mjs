import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fmt from '../../host/web/ui/fmt.js';

test('integers beyond 2^53 survive as text and all other JSON is untouched', () => {
  const text = '{"a":9223372036854775807,"b":-9223372036854775808,"s":"9223372036854775807 \\" 12345678901234567890","d":0.12345678901234567,'
    + '"e":1.2345678901234567e20,"n":9007199254740991,"l":[18446744073709551615,1]}';
  assert.deepEqual(fmt.parseJson(text), {
    a: '9223372036854775807', b: '-9223372036854775808', s: '9223372036854775807 " 12345678901234567890',
    d: 0.12345678901234567, e: 1.2345678901234567e20, n: 9007199254740991, l: ['18446744073709551615', 1],
  });
  assert.deepEqual(fmt.parseJson('[1,2.5,null]'), [1, 2.5, null]);
});

test('a float32 shows the digits it was made of, a double its own', () => {
  assert.equal(fmt.exactNumber(Math.fround(1.3), 'Float'), '1.3');
  assert.equal(fmt.exactNumber(Math.fround(1.3), 'Double'), '1.2999999523162842');
  assert.equal(fmt.decimalsOf(Math.fround(1.3), 'Float'), 1);
  assert.equal(fmt.decimalsOf(21.456789, 'Double'), 3);
  assert.equal(fmt.decimalsOf(5, 'Double'), 0);
  assert.equal(fmt.decimalsOf(2.5e-7, 'Double'), 4);
  assert.equal(fmt.decimalsOf(123456.5, 'Double'), 0);
  assert.equal(fmt.decimalsOf(NaN, 'Double'), 0);
});

test('every kind of value has a text', () => {
  const rows = [
    [undefined, 'Double', fmt.NO_VALUE], [null, 'Double', 'null'], [true, 'Boolean', 'true'], [1.5, 'Double', '1.5'],
    [1234567, 'Int32', '1\u202f234\u202f567'], [9007199254740041, 'Int64', '9\u202f007\u202f199\u202f254\u202f740\u202f041'], ['-9223372036854775808', 'Int64', '-9\u202f223\u202f372\u202f036\u202f854\u202f775\u202f808'],
    ['<b>x</b>', 'String', '<b>x</b>'], ['12', 'String', '12'], [0, 'DateTime', '1970-01-01T00:00:00.000Z'],
    [{ a: 1 }, 'DataSet', '{"a":1}'], [[1, 2], 'Int8Array', '[1,2]'], [Infinity, 'Double', 'Infinity'], [1e15, 'Double', '1.0000e+15'],
    [1e-9, 'Double', '1.00e-9'],
  ];
  for (const [value, type, text] of rows) assert.equal(fmt.formatValue(value, type), text, `${value} as ${type}`);
  assert.equal(fmt.formatValue(2.5, 'Double', 3), '2.500');
});

test('ages and rates are short', () => {
  const rows = [[0, '0 s'], [59999, '59 s'], [60000, '1 min'], [3600e3, '1 h'], [3600e3 * 3 + 60e3 * 20, '3 h 20 min'], [86400e3 * 5 + 3600e3 * 4, '5 d 4 h'], [-5, '0 s'], [NaN, fmt.NO_VALUE]];
  for (const [ms, text] of rows) assert.equal(fmt.formatAge(ms), text);
  assert.equal(fmt.formatRate(12.345), '12.3');
  assert.equal(fmt.formatRate(12345.6), '12\u202f346');
  assert.equal(fmt.formatRate(NaN), fmt.NO_VALUE);
});

test('times come as epoch ms or RFC 3339', () => {
  assert.equal(fmt.parseTime(5), 5);
  assert.equal(fmt.parseTime('1970-01-01T00:00:01Z'), 1000);
  assert.equal(fmt.parseTime('17'), 17);
  assert.ok(Number.isNaN(fmt.parseTime('soon')));
  assert.ok(Number.isNaN(fmt.parseTime(undefined)));
});

test('a path survives the address bar, percent escapes and all', () => {
  for (const path of ['a/b/c', 'A:B/Level %2B 1/\u00b0C', 'x/%/y?#&', 'a b/c']) {
    assert.equal(fmt.decodePath(fmt.encodePath(path)), path);
    assert.ok(!/[?# ]/.test(fmt.encodePath(path)));
  }
  assert.equal(fmt.decodePath('a/%zz'), 'a/%zz');
});

test('a typed value fits its type exactly or is refused with a reason', () => {
  const good = [
    ['12', 'Int8', '12'], ['-128', 'Int8', '-128'], ['+5', 'UInt16', '5'], ['9223372036854775807', 'Int64', '9223372036854775807'],
    ['18446744073709551615', 'UInt64', '18446744073709551615'], [' 2.5 ', 'Float', '2.5'], ['1e3', 'Double', '1000'], ['true', 'Boolean', 'true'],
    ['say "hi"', 'String', '"say \\"hi\\""'], ['', 'String', '""'], ['2026-01-31T06:00:00Z', 'DateTime', '1769839200000'], ['0', 'DateTime', '0'],
    ['5', undefined, '5'], ['abc', undefined, '"abc"'],
  ];
  for (const [text, type, json] of good) assert.deepEqual(fmt.valueLiteral(text, type), { json }, `${text} as ${type}`);
  const bad = [['128', 'Int8'], ['-1', 'UInt8'], ['1.5', 'Int32'], ['', 'Int32'], ['', 'Double'], ['9223372036854775808', 'Int64'], ['1e39', 'Float'],
    ['NaN', 'Double'], ['1', 'Boolean'], ['soon', 'DateTime'], ['x', 'DataSet']];
  for (const [text, type] of bad) assert.ok(fmt.valueLiteral(text, type).error, `${text} as ${type}`);
});

test('numbers for plotting come from numbers, booleans and digits', () => {
  assert.equal(fmt.toNumber(true), 1);
  assert.equal(fmt.toNumber('9223372036854775807', 'Int64'), 9223372036854775807);
  assert.ok(Number.isNaN(fmt.toNumber('12', 'String')));
  assert.ok(Number.isNaN(fmt.toNumber(null)));
  assert.ok(fmt.isPlottable('Boolean'));
  assert.ok(!fmt.isPlottable('String'));
});

test('quality letters and words mean the same, and an unknown one is no data', () => {
  assert.equal(fmt.quality('G').glyph, null);
  assert.equal(fmt.quality('STALE').word, 'Stale');
  assert.equal(fmt.quality('B').glyph, 'square');
  assert.equal(fmt.quality(undefined).word, 'No data');
  assert.equal(fmt.quality('?').word, 'No data');
});
