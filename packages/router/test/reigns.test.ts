import type { Position, Reign } from '@replication-lab/engines';
import { getEngineClient } from '@replication-lab/engines';
import { describe, expect, test } from 'vitest';
import { judgeReign } from '../src/reigns.ts';
import { session } from './pictures.ts';

const reign = (epoch: number, fork: string | null, start: string | null, lossless = false): Reign => ({
  epoch,
  node: `db-${epoch}`,
  fork: fork as Position | null,
  start: start as Position | null,
  lossless,
});
const judged = (engine: 'mysql' | 'mariadb' | 'postgres', position: string, reigns: readonly Reign[]) => {
  const { positions } = getEngineClient(engine);
  const state = session({ epoch: 1, position: position as Position });
  const last = Math.max(...reigns.map(({ epoch }) => epoch));
  const verdict = judgeReign(state, new Map(reigns.map((r) => [r.epoch, r])), last, positions);
  return verdict.kind === 'kept' ? `${verdict.state.epoch}: ${verdict.state.position}` : verdict.kind;
};

describe('a session of an older reign', () => {
  // MariaDB: the new primary goes on with the same numbers, so only the fork tells the two histories apart.
  test.each<[string, 'mariadb' | 'postgres', string, readonly Reign[], string]>([
    ['below the fork', 'mariadb', '0-1-99', [reign(2, '0-1-100', '0-1-100')], '2: 0-1-99'],
    ['at the fork', 'mariadb', '0-1-100', [reign(2, '0-1-100', '0-1-100')], '2: 0-1-100'],
    ['above it: lost', 'mariadb', '0-1-105', [reign(2, '0-1-100', '0-1-100')], 'lost'],
    [
      'above it, promotion proved: moved back',
      'mariadb',
      '0-1-105',
      [reign(2, '0-1-100', '0-1-100', true)],
      '2: 0-1-100',
    ],
    ['nobody wrote the fork down', 'mariadb', '0-1-99', [reign(2, null, null)], 'unjudged'],
    [
      'postgres: on the new timeline',
      'postgres',
      '1/0/400',
      [reign(2, '1/0/500,2/0/520', '2/0/520')],
      '2: 2/0/520',
    ],
    ['postgres: lost', 'postgres', '1/0/600', [reign(2, '1/0/500,2/0/520', '2/0/520')], 'lost'],
    [
      'two reigns later',
      'postgres',
      '1/0/400',
      [reign(2, '1/0/500,2/0/520', '2/0/520'), reign(3, '1/0/500,2/0/900,3/0/920', '3/0/920')],
      '3: 3/0/920',
    ],
    [
      'lost by the second',
      'mariadb',
      '0-1-99',
      [reign(2, '0-1-100', '0-1-100'), reign(3, '0-1-90', '0-1-90')],
      'lost',
    ],
    ['the reign between is not known', 'mariadb', '0-1-99', [reign(3, '0-2-120', '0-2-120')], 'unjudged'],
    ['it has seen nothing', 'mariadb', '', [reign(2, null, null)], '2: '],
  ])('%s', (_, engine, position, reigns, expected) => {
    expect(judged(engine, position, reigns)).toBe(expected);
  });

  test('that was shown something without a bound goes on from the primary, unless the promotion was proved', () => {
    const { positions } = getEngineClient('mariadb');
    const state = session({ epoch: 1, position: '0-1-5' as Position, lastNode: 'db-3' });
    const after = (lossless: boolean) =>
      judgeReign(state, new Map([[2, reign(2, '0-1-9', '0-1-9', lossless)]]), 2, positions);
    expect(after(false)).toMatchObject({ kind: 'kept', state: { lastNode: null, unknown: true } });
    expect(after(true)).toMatchObject({ kind: 'kept', state: { lastNode: 'db-3', unknown: false } });
  });
});
