import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { containsPattern, list, render, sql } from '../src/sql.ts';

const dollar = (index: number): string => `$${index}`;
const question = (): string => '?';

describe('the sql tag', () => {
  test('writes each engine its own placeholders', () => {
    const query = sql`select * from users where id = ${7} and name = ${'x'}`;
    expect(render(query, dollar)).toEqual({
      text: 'select * from users where id = $1 and name = $2',
      params: [7, 'x'],
    });
    expect(render(query, question).text).toBe('select * from users where id = ? and name = ?');
  });

  test('numbers the placeholders through nested parts and lists', () => {
    const where = sql` where version in (${list([1, 2, 3])})`;
    const query = sql`update users set name = ${'n'}${where} and id = ${9}`;
    expect(render(query, dollar)).toEqual({
      text: 'update users set name = $1 where version in ($2, $3, $4) and id = $5',
      params: ['n', 1, 2, 3, 9],
    });
  });

  test('keeps times and null as values', () => {
    const at = new Date(0);
    expect(render(sql`${at}, ${null}`, dollar)).toEqual({ text: '$1, $2', params: [at, null] });
  });

  test('an empty list is refused: "in ()" is no SQL', () => {
    expect(() => list([])).toThrow(RangeError);
  });

  test('no value ever becomes a part of the text', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (values) => {
        const query = values.reduce((before, value) => sql`${before} x ${value}`, sql``);
        const { text, params } = render(query, question);
        expect(text).toBe(' x ?'.repeat(values.length));
        expect(params).toEqual(values);
      }),
    );
  });
});

describe('the search pattern', () => {
  test('takes the metacharacters literally', () => {
    expect(containsPattern('50%_off!')).toBe('%50!%!_off!!%');
    expect(containsPattern('back\\slash')).toBe('%back\\slash%');
  });

  test('has no wildcard but its first and last', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const inner = containsPattern(text).slice(1, -1);
        expect(inner.replace(/!./g, '')).not.toMatch(/[%_!]/);
        expect(inner.replace(/!(.)/g, '$1')).toBe(text);
      }),
    );
  });
});
