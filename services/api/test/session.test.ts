import { describe, expect, test } from 'vitest';
import { cookie } from '../src/session.ts';

describe('a cookie', () => {
  test.each([
    [undefined, undefined],
    ['', undefined],
    ['consistency_token=abc', 'abc'],
    ['theme=dark; consistency_token=abc-_9; x=y', 'abc-_9'],
    ['consistency_token=a=b', 'a=b'],
    ['consistency_token=', ''],
    ['my_consistency_token=abc', undefined],
    ['consistency_token', undefined],
    ['=abc; ;;', undefined],
    ['consistency_token=first; consistency_token=second', 'first'],
  ])('%j', (header, value) => {
    expect(cookie(header, 'consistency_token')).toBe(value);
  });
});
