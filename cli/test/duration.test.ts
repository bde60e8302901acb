import { describe, expect, it } from 'vitest';
import { formatDurationMs, parseDurationMs } from '../src/duration.ts';

describe('durations', () => {
  it.each([
    ['20s', 20_000],
    ['500ms', 500],
    ['1.5m', 90_000],
    ['2h', 7_200_000],
    ['7', 7000],
    [' 3s ', 3000],
  ])('%j is %i ms', (text, ms) => expect(parseDurationMs(text)).toBe(ms));

  it.each(['', 's', '-3s', '0', '0s', '1e3s', '3 s', '5d', 'Infinity', '99999999999999999999h'])(
    '%j is refused',
    (text) => expect(parseDurationMs(text)).toBeNull(),
  );

  it.each([
    [0, '0 ms'],
    [999, '999 ms'],
    [4249, '4.2 s'],
    [59_400, '59 s'],
    [185_000, '3 min 05 s'],
  ])('%i ms reads %j', (ms, text) => expect(formatDurationMs(ms)).toBe(text));
});
