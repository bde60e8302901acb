import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { listQuerySchema, newUserSchema, userIdSchema, userPatchSchema } from '../src/users/schemas.ts';
import { anyText } from './support/any-text.ts';

const ada = { name: 'Ada Lovelace', email: 'ada@example.test' };
const accepts = (input: unknown): boolean => newUserSchema.safeParse(input).success;

describe('a new user', () => {
  test('is trimmed, and its address kept in lower case', () => {
    expect(newUserSchema.parse({ name: ' Ada ', email: 'Ada@Example.TEST' })).toEqual({
      name: 'Ada',
      email: 'ada@example.test',
    });
  });

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['a list', [ada]],
    ['an unknown field', { ...ada, role: 'admin' }],
    ['a missing field', { name: 'Ada' }],
    ['a number for a name', { ...ada, name: 7 }],
    ['null for a name', { ...ada, name: null }],
    ['an object for a name', { ...ada, name: { length: 3 } }],
    ['an empty name', { ...ada, name: '' }],
    ['a blank name', { ...ada, name: ' \t ' }],
    ['a NUL in the name', { ...ada, name: 'A\0da' }],
    ['a line break in the name', { ...ada, name: 'A\nda' }],
    ['a lone surrogate in the name', { ...ada, name: 'A\ud800da' }],
    ['a name of 201 characters', { ...ada, name: 'x'.repeat(201) }],
    ['no address', { ...ada, email: 'ada' }],
    ['an address with a NUL', { ...ada, email: 'a\0@example.test' }],
    ['an address with a space', { ...ada, email: ' ada@example.test' }],
    ['an address of 255 characters', { ...ada, email: `${'x'.repeat(242)}@example.test` }],
    ['a lone surrogate in the address', { ...ada, email: 'a\ud800@example.test' }],
  ])('with %s is refused', (_what, input) => {
    expect(accepts(input)).toBe(false);
  });

  test('an own property __proto__ counts as an unknown field', () => {
    expect(accepts(JSON.parse(`{"name":"Ada","email":"ada@example.test","__proto__":{"x":1}}`))).toBe(false);
  });

  test('length is counted in characters, not in UTF-16 units or bytes', () => {
    expect(accepts({ ...ada, name: '😀'.repeat(200) })).toBe(true);
    expect(accepts({ ...ada, name: '😀'.repeat(201) })).toBe(false);
  });

  test('any name that passes is storable everywhere', () => {
    fc.assert(
      fc.property(anyText(250), (name) => {
        const parsed = newUserSchema.safeParse({ ...ada, name });
        if (!parsed.success) return;
        expect(parsed.data.name).not.toContain('\0');
        expect(parsed.data.name.isWellFormed()).toBe(true);
        expect(Buffer.byteLength(parsed.data.name)).toBeLessThanOrEqual(800);
        expect([...parsed.data.name].length).toBeLessThanOrEqual(200);
      }),
    );
  });
});

test('a patch must change something, and only what may be changed', () => {
  expect(userPatchSchema.safeParse({}).success).toBe(false);
  expect(userPatchSchema.safeParse({ id: 1 }).success).toBe(false);
  expect(userPatchSchema.safeParse({ version: 2, name: 'x' }).success).toBe(false);
  expect(userPatchSchema.parse({ name: 'x' })).toEqual({ name: 'x' });
});

describe('an id', () => {
  const hostile = [
    '',
    '0',
    '-1',
    '+1',
    '1e3',
    '0x10',
    '1.0',
    ' 1',
    '01',
    'abc',
    '9999999999999999999',
    '1;drop',
  ];
  test.each(hostile)('%j is refused', (id) => {
    expect(userIdSchema.safeParse(id).success).toBe(false);
  });
  test('may be as large as a number can tell exactly', () => {
    expect(userIdSchema.parse(String(Number.MAX_SAFE_INTEGER))).toBe(Number.MAX_SAFE_INTEGER);
    expect(userIdSchema.safeParse('9007199254740992').success).toBe(false);
  });
});

describe('the query of a page', () => {
  test('has defaults', () => {
    expect(listQuerySchema.parse({})).toEqual({ limit: 20, after: 0 });
  });
  test.each([
    { limit: '0' },
    { limit: '101' },
    { limit: '999999999999' },
    { limit: '' },
    { limit: ['1', '2'] },
    { after: '-1' },
    { q: '' },
    { q: 'a\0b' },
    { q: 'x'.repeat(101) },
    { q: ['a', 'b'] },
    { page: '2' },
  ])('%j is refused', (query) => {
    expect(listQuerySchema.safeParse(query).success).toBe(false);
  });
});
