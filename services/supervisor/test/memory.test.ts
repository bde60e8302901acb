import { replicationUser } from '@replication-lab/engines/config';
import { describe, expect, it } from 'vitest';
import { at, fenced, hostOf, play, reasons, refusedSince, seen, silentSince, told } from './world.ts';

describe('what an old primary held of its own reign', () => {
  const reign = { epoch: 2, node: 'db-2' };
  const now = {
    'db-2': { reign, state: { ...seen().nodes[0]!.state, epoch: 2 } },
    'db-3': { reign, state: { epoch: 2, source: hostOf('db-2') } },
  };
  const tail = { held: at(120), position: at(120), received: at(120), promoted: false };
  const anew = { reign, state: { epoch: 2, source: hostOf('db-2'), bootId: 'boot-3' } };
  const dead = { ...refusedSince(900), reign, state: { ...tail, epoch: 1 } };

  it.each([
    ['dead, as it was seen last', dead],
    ['back, with writes that nobody confirmed', { state: { ...fenced(tail).state, epoch: 1 } }],
    ['back, and still taking itself for the primary', { state: { ...tail, promoted: true } }],
  ])('is not asked of it when it has been made anew since: %s', (_, old) => {
    const step = play([
      [0, seen()],
      [1_000, seen({ ...now, 'db-1': old })],
      [1_500, seen({ ...now, 'db-1': anew })],
    ]);
    expect(step.unarmed.map(({ reason }) => reason)).toEqual([]);
  });

  it('is not remembered again when the new primary does not answer for a moment', () => {
    const foreign = { reign, state: { ...fenced(tail).state, epoch: 2 } };
    const step = play([
      [0, seen()],
      [1_000, seen({ ...now, 'db-1': foreign })],
      [2_100, seen({ ...now, 'db-1': foreign })],
      [2_200, seen({ ...now, 'db-1': foreign, 'db-2': { ...now['db-2'], ...silentSince(2_150) } })],
    ]);
    expect(step.state.highWater['db-1']).toBeUndefined();
  });
});

describe('servers that forget what they received when they start again', () => {
  const forgetful = { forgetsReceived: true };
  const voters = { 'db-2': fenced({ bootId: 'boot-2' }), 'db-3': fenced() };
  const gone = seen({ 'db-1': refusedSince(500), ...voters });
  const back = (askedAtMs: number) =>
    seen({ 'db-1': { askedAtMs }, 'db-2': { askedAtMs, state: { bootId: 'boot-2' } } });

  it('one of them is no witness, even when it has all that it was seen with', () => {
    const frames = [
      [0, seen()],
      [600, gone],
    ] as const;
    expect(reasons(play(frames, undefined, forgetful))).toContain('received-lost');
    expect(reasons(play(frames))).toEqual([]);
  });

  it('nor one whose data was made anew, on any engine: it remembers nothing that it confirmed', () => {
    const anew = { ...voters, 'db-2': fenced({ serverId: 'another' }) };
    const frames = [
      [0, seen()],
      [600, seen({ 'db-1': refusedSince(500), ...anew })],
    ] as const;
    expect(reasons(play(frames))).toContain('received-lost');
  });

  it('a primary that comes back without the reign that it began has lost its data: it is not opened again', () => {
    const away = { ...silentSince(0), lock: 'none' as const };
    const closed = (reign: { epoch: number; node: string } | null) =>
      seen({
        'db-1': { reign, state: { promoted: false, readOnly: true, detached: true, source: null } },
        'db-2': fenced(),
        'db-3': { ...away, reign: { epoch: 1, node: 'db-1' } },
      });
    expect(told(play([[500, closed({ epoch: 1, node: 'db-1' })]]))).not.toEqual([]);
    expect(told(play([[500, closed(null)]]))).toEqual([]);
  });

  it('it is one again when it has caught up with the primary since; not by what the primary held before', () => {
    const asked = (askedAtMs: number) =>
      play(
        [
          [0, back(0)],
          [300, back(askedAtMs)],
        ],
        undefined,
        forgetful,
      ).unarmed.map(({ reason }) => reason);
    expect(asked(0)).toEqual(['received-lost', 'received-lost']);
    expect(asked(200)).toEqual([]);
  });
});

describe('a primary that has started again, closed, and cannot be replaced', () => {
  const closed = { promoted: false, readOnly: true };
  const unarmed = { armed: false, trouble: null, voters: null, confirming: [] };
  const armed = { ...unarmed, armed: true };
  const silent = { 'db-3': refusedSince(100) };
  const first = [0, seen()] as const;
  const last = (changes: Parameters<typeof seen>[0], before: readonly (typeof first)[] = [first]) =>
    told(play([...before, [500, seen({ ...silent, ...changes })]]));

  it('gets the office again with the help of one voter', () => {
    expect(last({ 'db-1': { state: { ...closed, quorum: unarmed } } })).toEqual(['arm db-1 db-2']);
    expect(last({ 'db-1': { state: { ...closed, quorum: armed } }, 'db-2': fenced() })).toEqual([
      'follow db-2 db-1',
    ]);
    expect(last({ 'db-1': { state: { ...closed, quorum: armed } } })).toEqual([]);
    const confirmed = { ...armed, confirming: ['db-2'].map(replicationUser) };
    expect(last({ 'db-1': { state: { ...closed, quorum: confirmed } } })).toEqual(['reopen db-1 2']);
  });

  it('also when nobody has seen it armed', () => {
    expect(last({ 'db-1': { state: { ...closed, quorum: unarmed } } }, [])).toEqual(['arm db-1 db-2']);
  });

  it('not without a voter, nor beside one that holds more, nor before that one has applied everything', () => {
    const quorum = unarmed;
    const all = refusedSince(100);
    expect(last({ 'db-1': { state: { ...closed, quorum } }, 'db-2': all })).toEqual([]);
    expect(last({ 'db-1': { state: { ...closed, quorum } }, 'db-2': { state: { held: at(101) } } })).toEqual(
      [],
    );
    const behind = { state: { position: at(99) } };
    expect(last({ 'db-1': { state: { ...closed, quorum } }, 'db-2': behind })).toEqual([]);
  });
});
