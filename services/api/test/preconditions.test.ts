import { describe, expect, test } from 'vitest';
import { etagOf, parseIfMatch } from '../src/users/preconditions.ts';

describe('If-Match', () => {
  test.each([
    [undefined, null],
    ['*', null],
    ['"3"', [3]],
    ['"3", "4"', [3, 4]],
    ['W/"3"', []],
    ['"abc"', []],
    ['"0"', []],
    ['""', []],
    [etagOf({ version: 12 }), [12]],
  ])('%j', (header, versions) => {
    expect(parseIfMatch(header)).toEqual(versions);
  });

  test.each(['', '3', '"3', '3"', '"3" "4"', '"3",', '*, "3"', Array(17).fill('"1"').join(',')])(
    '%j is refused',
    (header) => {
      expect(() => parseIfMatch(header)).toThrow(expect.objectContaining({ code: 'invalid-if-match' }));
    },
  );
});
