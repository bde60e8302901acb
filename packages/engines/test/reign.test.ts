import { describe, expect, it } from 'vitest';
import type { Position } from '../src/index.ts';
import { forkOf } from '../src/postgres/history.ts';
import { positionFromServer } from '../src/postgres/positions.ts';
import { toReigns } from '../src/reign.ts';

const at = (text: string) => text as Position;

describe('postgres: what a new primary held of older reigns', () => {
  const held = at('1/0/5000000,2/0/6000000,3/0/6000100');

  it('is its past, without the timeline that began with it: another node may have had one of that number', () => {
    expect(forkOf(held, { start: at('2/0/5000060') })).toBe('1/0/5000000,2/0/6000000');
    expect(forkOf(held, { start: null })).toBe('1/0/5000000,2/0/6000000');
  });

  it('is all of it where the last reign was on the same timeline, or where this is the first', () => {
    expect(forkOf(held, { start: at('3/0/6000050') })).toBe(held);
    expect(forkOf(held, null)).toBe(held);
    expect(forkOf(at('1/0/5000000'), null)).toBe('1/0/5000000');
  });

  it('cannot be told of a timeline that must have a past and names none', () => {
    expect(forkOf(at('3/0/6000100'), { start: at('2/0/5000060') })).toBeNull();
    expect(forkOf(at('3/0/6000100'), null)).toBeNull();
  });
});

describe('epoch rows', () => {
  const row = { epoch: '7', node: 'db-2', fork_position: '1/0/50', start_position: '2/0/60', lossless: 1 };

  it('are reigns in their order, whatever the types of the columns', () => {
    const reigns = toReigns([row, { ...row, epoch: 5, lossless: false }], positionFromServer);
    expect(reigns).toEqual([
      { epoch: 5, node: 'db-2', fork: '1/0/50', start: '2/0/60', lossless: false },
      { epoch: 7, node: 'db-2', fork: '1/0/50', start: '2/0/60', lossless: true },
    ]);
  });

  it.each([
    ['was not written down', { fork_position: null, start_position: null }],
    ['has no columns', { fork_position: undefined, start_position: undefined }],
    ['cannot be read', { fork_position: 'garbled' }],
    ['has lost its other half', { start_position: null }],
  ])('a fork that %s is none, and nothing is claimed of it', (_what, change) => {
    const [reign] = toReigns([{ ...row, ...change }], positionFromServer);
    expect(reign).toEqual({ epoch: 7, node: 'db-2', fork: null, start: null, lossless: false });
  });

  it('a node that held nothing at all has a fork all the same', () => {
    const [reign] = toReigns([{ ...row, fork_position: '', start_position: '' }], positionFromServer);
    expect(reign).toMatchObject({ fork: '', start: '' });
  });
});
