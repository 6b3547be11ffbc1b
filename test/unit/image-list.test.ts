import { expect, test } from 'vitest';
import { formatRows } from '../../src/commands/client-format.ts';
import { imageOrder } from '../../src/commands/image-order.ts';
import { nameFilter } from '../../src/openstack/image-api.ts';
import { imageRecord as image } from '../support/cloud/image-record.ts';

test('several lists are put in one order, by as many keys as are given', () => {
  const images = [
    image('1', { name: 'b', size: 9 }),
    image('2', { name: 'a', size: 10 }),
    image('3', { name: 'b', size: null }),
  ];
  const sorted = (sort: string) => images.toSorted(imageOrder(sort).compare).map(({ id }) => id);
  expect(sorted('name')).toEqual(['2', '1', '3']);
  expect(sorted('name:desc,size')).toEqual(['3', '1', '2']);
  expect(sorted('size:desc')).toEqual(['2', '1', '3']);
  expect(sorted('created_at:desc')).toEqual(['3', '2', '1']);
  expect(imageOrder('name, size:desc').keys).toBe('name:asc,size:desc');
});

test.each([
  ['sise', 'not sorted by sise, did you mean "size"?'],
  ['', 'not sorted by nothing'],
  ['name:up', 'name:up has no direction'],
  ['name:asc:desc', 'has no direction'],
])('--sort %s is refused', (sort, message) => {
  expect(() => imageOrder(sort)).toThrow(message);
});

test('rows are printed as the openstack client prints them, and harmless at a terminal', () => {
  const rows = [
    ['1', 'a "b"', 5, true, null, ["it's", 'x']],
    ['2', 'esc\u001b[2J', 0, false, 'c', ['x\\y']],
  ];
  const columns = ['ID', 'Name', 'Size', 'Protected', 'Checksum', 'Tags'];
  // What cliff prints, but for the escape.
  const value = String.raw`1 a "b" 5 True None ["it's", 'x']
2 esc\u{1b}[2J 0 False c ['x\\y']
`;
  expect(formatRows('value', columns, rows)).toBe(value);
  const csv = String.raw`"ID","Name","Size","Protected","Checksum","Tags"
"1","a ""b""",5,True,"","[""it's"", 'x']"
"2","esc\\u{1b}[2J",0,False,"c","['x\\\\y']"
`;
  expect(formatRows('csv', columns, rows)).toBe(csv);
  expect(JSON.parse(formatRows('json', columns, rows))).toEqual(
    rows.map((row) => Object.fromEntries(columns.map((name, at) => [name, row[at]]))),
  );
});

test('a name with a colon is asked for with the operator that takes all of it', () => {
  const names = ['rhel', 'rhel:7.9', 'in:a,b', 'eq:x', '2026-11-28T00:00:00Z'];
  expect(names.map((name) => nameFilter(name)[1])).toEqual([
    'rhel',
    'eq:rhel:7.9',
    'eq:in:a,b',
    'eq:eq:x',
    'eq:2026-11-28T00:00:00Z',
  ]);
});
