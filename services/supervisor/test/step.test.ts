import { replicationUser } from '@replication-lab/engines/config';
import { describe, expect, it } from 'vitest';
import { initialState } from '../src/core/types.ts';
import {
  at,
  CAUGHT_UP,
  fenced,
  hostOf,
  play,
  reasons,
  refusedSince,
  seen,
  silentSince,
  told,
} from './world.ts';

const armedVoter = (confirming: readonly string[] = []) => ({
  quorum: { armed: true, trouble: null, voters: null, confirming: confirming.map(replicationUser) },
});

describe('while the primary is open', () => {
  it('nothing is done, and a failover would succeed', () => {
    const step = play([[0, seen()]]);
    expect([step.state.phase, told(step), step.unarmed, step.primary]).toEqual(['watching', [], [], 'db-1']);
  });

  it('its commits are made to wait for its replicas, once one is there to confirm', () => {
    const none = { armed: false, trouble: 'off', voters: null, confirming: [] };
    const unarmed = { 'db-1': { state: { quorum: none } } };
    expect(told(play([[0, seen(unarmed)]]))).toEqual(['arm db-1 db-2,db-3']);
    const alone = { 'db-2': { state: { linked: false } }, 'db-3': { state: { linked: false } } };
    const step = play([[0, seen({ ...unarmed, ...alone })]]);
    expect(told(step)).toEqual([]);
    expect(step.unarmed.map(({ reason }) => reason)).toEqual(['not-armed', 'never-armed']);
  });

  it('a failover would not succeed where no reign is known, or the present one was not seen armed', () => {
    const nobody = { 'db-1': { reign: null }, 'db-2': { reign: null }, 'db-3': { reign: null } };
    expect(play([[0, seen(nobody)]]).unarmed.map(({ reason }) => reason)).toEqual(['never-armed']);
    const none = { armed: false, trouble: 'off', voters: null, confirming: [] };
    const reign = { epoch: 2, node: 'db-1' };
    const next = seen({ 'db-1': { reign, state: { quorum: none } } });
    const step = play([
      [0, seen()],
      [100, next],
    ]);
    expect(step.unarmed.map(({ reason }) => reason)).toEqual(['not-armed', 'never-armed']);
  });

  it('a voter that came back is taken into the list, and one that is away stays in it', () => {
    const quorum = { armed: true, trouble: null, voters: [replicationUser('db-3')], confirming: [] };
    const away = { ...silentSince(0), state: null };
    expect(told(play([[0, seen({ 'db-1': { state: { quorum } } })]]))).toEqual(['arm db-1 db-2,db-3']);
    const both = { ...quorum, voters: ['db-2', 'db-3'].map(replicationUser) };
    expect(told(play([[0, seen({ 'db-1': { state: { quorum: both } }, 'db-3': away })]]))).toEqual([]);
  });

  it('a closed node that holds nothing else is brought back', () => {
    expect(told(play([[0, seen({ 'db-2': fenced({ held: at(90) }) })]]))).toEqual(['follow db-2 db-1']);
  });

  const after = (lossless: boolean) => ({
    reign: { epoch: 2, node: 'db-1' },
    reigns: { 1: { fork: null, lossless: false }, 2: { fork: at(95), lossless } },
    state: { epoch: 2 },
  });
  const old = (held: string, askedAtMs = 0) => ({
    ...fenced({ held: held as never, position: held as never, received: held as never, epoch: 1 }),
    askedAtMs,
  });

  it('one without data is made anew, though it has no server to hold a lock of', () => {
    const empty = { ...refusedSince(100), lock: 'none' as const, isEmpty: true };
    expect(
      told(
        play([
          [0, seen()],
          [200, seen({ 'db-3': empty })],
        ]),
      ),
    ).toEqual(['rebuild db-3 db-1 1']);
    const dead = { ...empty, isEmpty: false };
    expect(
      told(
        play([
          [0, seen()],
          [200, seen({ 'db-3': dead })],
        ]),
      ),
    ).toEqual([]);
  });

  it('a closed node that holds something else is made anew, when both were asked again', () => {
    const first = [0, seen({ 'db-1': after(true), 'db-2': old('b7') })] as const;
    expect([told(play([first])), reasons(play([first]))]).toEqual([[], ['needs-rebuild']]);
    const later = (ms: number, primaryAskedMs = ms) =>
      told(
        play([
          first,
          [ms, seen({ 'db-1': { ...after(true), askedAtMs: primaryAskedMs }, 'db-2': old('b7', ms) })],
        ]),
      );
    expect(later(900)).toEqual([]);
    expect(later(1_000, 0)).toEqual([]);
    expect(later(1_000)).toEqual(['rebuild db-2 db-1 2']);
  });

  it('is left for a person where nobody proved that what it holds was never acknowledged', () => {
    const frames = (primary: object, node: object) =>
      play(
        [0, 2_000].map((ms) => [ms, seen({ 'db-1': { ...primary, askedAtMs: ms }, 'db-2': node })] as const),
      );
    const unproved = frames(after(false), old('b7', 2_000));
    expect([told(unproved), reasons(unproved)]).toEqual([[], ['needs-rebuild']]);
    const sameReign = { ...after(true).reign };
    const missedNothing = frames(after(true), {
      ...old('b7', 2_000),
      reign: sameReign,
      state: { ...old('b7').state, epoch: 2 },
    });
    expect([told(missedNothing), reasons(missedNothing)]).toEqual([[], ['needs-rebuild']]);
  });

  it('what a node without the next reign holds beyond its beginning is foreign, though numbers alone cannot tell', () => {
    const seenWith = (held: number) => play([[0, seen({ 'db-1': after(true), 'db-2': old(String(held)) })]]);
    expect(told(seenWith(95))).toEqual(['follow db-2 db-1']);
    expect([told(seenWith(97)), reasons(seenWith(97))]).toEqual([[], ['needs-rebuild']]);
  });

  it('a node that is ahead because it receives from another one is cut off before it is judged', () => {
    const ahead = { state: { held: at(120), source: hostOf('db-3'), detached: false } };
    expect(told(play([[0, seen({ 'db-2': ahead })]]))).toEqual(['detach db-2']);
  });
});

describe('a replica that somebody has written on', () => {
  const reigns = (lossless = true, first = 'db-1') => ({
    1: { fork: at(0), lossless: false, node: first },
    2: { fork: at(50), lossless, node: 'db-1' },
  });
  const reign = { epoch: 2, node: 'db-1' };
  const errant = (state: object = {}, known = reigns()) => ({
    reign,
    reigns: known,
    state: { epoch: 2, ownWrites: at(101), ...state },
  });
  const frames = (node: object, ms = 0, others: Parameters<typeof seen>[0] = {}) => {
    const at = { askedAtMs: ms };
    const primary = { ...at, reign, state: { epoch: 2 } };
    return [ms, seen({ 'db-1': primary, 'db-2': { ...at, ...node }, ...others })] as const;
  };
  const off = fenced({ source: hostOf('db-1'), epoch: 2, ownWrites: at(101) }).state!;

  it('confirms nothing more, and is made anew', () => {
    const first = play([frames(errant())]);
    expect([told(first), reasons(first)]).toEqual([['detach db-2'], ['errant-write']]);
    expect(first.unarmed.map(({ reason }) => reason)).toEqual(['errant-write']);
    const next = play([frames(errant(off), 100), frames(errant(off), 900)], first.state);
    expect(told(next)).toEqual([]);
    expect(told(play([frames(errant(off), 1_200)], next.state))).toEqual(['rebuild db-2 db-1 2']);
  });

  it('is let alone while nobody else confirms', () => {
    const quorum = { armed: true, trouble: null, voters: null, confirming: [replicationUser('db-2')] };
    const alone = { 'db-1': { reign, state: { epoch: 2, quorum } } };
    const step = play([frames(errant(), 0, alone)]);
    expect([told(step), reasons(step)]).toEqual([[], ['errant-write']]);
    const both = play([frames(errant(), 0, { 'db-3': errant() })]);
    expect(told(both)).toEqual([]);
  });

  it('is left for a person where it was a primary, and nobody proved that all it acknowledged was kept', () => {
    const step = play([frames(errant({}, reigns(false, 'db-2')))]);
    expect([told(step), reasons(step)]).toEqual([[], ['errant-write']]);
    expect(told(play([frames(errant({}, reigns(true, 'db-2')))]))).toEqual(['detach db-2']);
  });

  it('is not one that wrote this as a primary, before the newest reign', () => {
    const step = play([frames(errant({ ownWrites: at(50) }))]);
    expect([told(step), step.unarmed]).toEqual([[], []]);
  });
});

describe('refusals', () => {
  const unlinked = { state: { linked: false } };
  const dead = { 'db-1': refusedSince(100), 'db-2': unlinked, 'db-3': unlinked };

  it('the primary was never seen armed', () => {
    const step = play([[200, seen(dead)]]);
    expect([step.state.phase, reasons(step), told(step)]).toEqual(['refusing', ['never-armed'], []]);
  });

  it('a voter does not answer: it may hold what nobody else has', () => {
    const step = play([
      [0, seen()],
      [200, seen({ ...dead, 'db-3': refusedSince(100) })],
    ]);
    expect([reasons(step), told(step)]).toEqual([['voter-silent'], []]);
  });

  it("a voter's lock is not held", () => {
    const locks = { 'db-1': { ...refusedSince(100), lock: 'held' as const }, 'db-2': unlinked };
    const step = play([
      [0, seen()],
      [200, seen({ ...locks, 'db-3': { ...unlinked, lock: 'none' as const } })],
    ]);
    expect([step.state.phase, reasons(step), told(step)]).toEqual([
      'refusing',
      ['voter-not-locked'],
      ['lock db-3'],
    ]);
  });

  it('histories that do not contain one another', () => {
    const voters = { 'db-2': fenced({ held: 'b7' as never, position: 'b7' as never }), 'db-3': fenced() };
    const gone = seen({ 'db-1': refusedSince(100), ...voters });
    const step = play([
      [0, seen()],
      [200, gone],
      [300, gone],
    ]);
    expect([step.state.phase, reasons(step)]).toEqual(['refusing', ['voters-diverged']]);
  });

  it('a voter has restarted and lost what it had received', () => {
    const less = fenced({ bootId: 'boot-2', held: at(90), position: at(90) });
    const gone = seen({
      'db-1': refusedSince(100),
      'db-2': less,
      'db-3': fenced({ held: at(90), position: at(90) }),
    });
    const step = play([
      [0, seen()],
      [200, gone],
      [300, gone],
    ]);
    expect([step.state.phase, reasons(step)]).toEqual(['refusing', ['received-lost']]);
  });

  it('and until it has caught up the primary is not armed', () => {
    const less = { state: { bootId: 'boot-2', held: at(90), position: at(90), received: at(90) } };
    const step = play([
      [0, seen()],
      [200, seen({ 'db-2': less })],
    ]);
    expect(step.unarmed.map(({ reason }) => reason)).toEqual(['received-lost']);
  });
});

describe('a promotion, piece by piece: each follows from what is seen', () => {
  const before = [0, seen()] as const;
  const gone = refusedSince(100);
  const most = fenced({ held: at(120), received: at(120), position: at(110) });

  it('fences the voters that are attached still', () => {
    const half = seen({ 'db-1': gone, 'db-2': fenced(), 'db-3': { state: { linked: false } } });
    expect(told(play([before, [200, half]]))).toEqual(['detach db-3']);
  });

  it('looks once more, and lets the primary live when it answers', () => {
    const both = { 'db-2': fenced(), 'db-3': fenced() };
    const looking = play([before, [200, seen({ 'db-1': gone, ...both })]]);
    expect([looking.state.phase, told(looking)]).toEqual(['looking', []]);
    const alive = play([[210, seen(both)]], looking.state);
    expect([alive.state.phase, told(alive)]).toEqual(['watching', ['follow db-2 db-1', 'follow db-3 db-1']]);
    expect(alive.state.lastCancelAtMs).toBe(210);
  });

  const looked = (voters: Parameters<typeof seen>[0]) => {
    const all = seen({ 'db-1': gone, ...voters });
    return play([before, [200, all], [260, all]]);
  };

  it('drains the voter that holds most', () => {
    expect(looked({ 'db-2': fenced(), 'db-3': most }).state.phase).toBe('draining');
  });

  it('of two that hold the same takes the one that has applied it', () => {
    const undrained = fenced({ position: at(90) });
    expect(told(looked({ 'db-2': undrained, 'db-3': fenced() }))).toEqual(['arm db-3 db-2']);
  });

  it('arms it when it has applied all', () => {
    const drained = fenced({ held: at(120), position: at(120) });
    expect(told(looked({ 'db-2': fenced(), 'db-3': drained }))).toEqual(['arm db-3 db-2']);
  });

  it('attaches the other to it, and waits until that one confirms', () => {
    expect(told(looked({ 'db-2': fenced(), 'db-3': fenced(armedVoter()) }))).toEqual(['follow db-2 db-3']);
    const following = { state: { source: hostOf('db-3'), linked: true } };
    const step = looked({ 'db-2': following, 'db-3': fenced(armedVoter()) });
    expect([step.state.phase, told(step)]).toEqual(['attaching', []]);
    expect(told(looked({ 'db-2': following, 'db-3': fenced(armedVoter(['db-2'])) }))).toEqual([
      'promote db-3 2',
    ]);
  });

  it('establishes it, opens it, and goes on watching', () => {
    const following = { state: { source: hostOf('db-3'), linked: true } };
    const promoted = { state: { ...fenced(armedVoter(['db-2'])).state, promoted: true } };
    expect(told(looked({ 'db-2': following, 'db-3': promoted }))).toEqual(['establish db-3 2']);
    const reign = { epoch: 2, node: 'db-3' };
    const established = { 'db-2': following, 'db-3': { ...promoted, reign } };
    const opening = looked(established);
    expect([opening.state.phase, told(opening)]).toEqual(['opening', ['open db-3 2']]);
    const open = { ...established, 'db-3': { reign, state: { ...promoted.state, readOnly: false } } };
    const step = play([[300, seen({ 'db-1': gone, ...open })]], opening.state);
    expect([step.state.phase, step.primary, step.epoch, step.state.lastPromotionAtMs]).toEqual([
      'watching',
      'db-3',
      2,
      300,
    ]);
  });

  it('whoever still follows the old primary is fenced before anything else, and what it holds is not left behind', () => {
    const more = { state: { held: at(130) } };
    const chosen = fenced(armedVoter(['db-2']));
    expect(told(looked({ 'db-2': more, 'db-3': chosen }))).toEqual(['detach db-2']);
    // Armed in vain: it has acknowledged nothing, and follows the one that has more.
    expect(told(looked({ 'db-2': fenced({ held: at(130), position: at(130) }), 'db-3': chosen }))).toEqual([
      'arm db-2 db-3',
    ]);
    // Promoted, it may have begun its reign.
    const promoted = { state: { ...chosen.state, promoted: true } };
    const step = looked({ 'db-2': fenced({ held: at(130) }), 'db-3': promoted });
    expect([step.state.phase, reasons(step)]).toEqual(['refusing', ['voters-diverged']]);
  });

  it('what a follower was sent since its candidate was asked is no lack of the candidate', () => {
    const asked = (followerMs: number, candidate: object) =>
      looked({
        'db-2': { askedAtMs: followerMs, state: { source: hostOf('db-3'), linked: true, held: at(130) } },
        'db-3': { ...fenced({ ...armedVoter(['db-2']), ...candidate }), askedAtMs: 100 },
      });
    for (const candidate of [{}, { promoted: true }]) {
      const step = asked(110, candidate);
      expect([told(step), reasons(step)]).toEqual([[], []]);
      expect(reasons(asked(90, candidate))).toEqual(['voters-diverged']);
    }
  });

  it('goes on when the old primary wakes up late', () => {
    const following = { state: { source: hostOf('db-3'), linked: true } };
    const woken = seen({ 'db-2': following, 'db-3': fenced(armedVoter(['db-2'])) });
    expect(told(play([before, [200, woken]]))).toEqual(['promote db-3 2']);
  });

  it('a node without the newest reign is not chosen, nor in the way, however far its own history goes', () => {
    const reign = { epoch: 2, node: 'db-1' };
    const tail = (state: object = {}) =>
      fenced({ held: at(200), position: at(200), received: at(200), epoch: 1, ...state });
    const gone = { reign, failure: refusedSince(0, 9).failure };
    const fencedBy = (db2: object, held: object = {}) =>
      play(
        [
          [
            1_000,
            seen({
              'db-1': gone,
              'db-2': { reign: { epoch: 1, node: 'db-2' }, ...db2 },
              'db-3': { reign, ...fenced({ epoch: 2, ...held }) },
            }),
          ],
        ],
        {
          ...initialState(-100_000),
          activeSinceMs: 0,
          phase: 'looking',
          armedEpoch: 2,
          fencedAtMs: 0,
          lives: CAUGHT_UP,
        },
      );
    expect(told(fencedBy(tail()))).toEqual(['arm db-3 db-2']);
    expect(
      told(fencedBy(tail({ held: 'b7' as never, position: 'b7' as never, received: 'b7' as never }))),
    ).toEqual(['arm db-3 db-2']);
    // What it has received and not applied may be of the newest reign.
    const undrained = fencedBy(tail({ position: at(150) }));
    expect([undrained.state.phase, told(undrained)]).toEqual(['draining', []]);
  });

  it('an old primary that wakes up after its successor has begun is no candidate', () => {
    const reign = { epoch: 2, node: 'db-3' };
    const woken = seen({
      'db-2': { reign, state: { source: hostOf('db-3') } },
      'db-3': { reign, state: { ...fenced(armedVoter(['db-2'])).state, promoted: true, readOnly: false } },
    });
    const step = play([[0, woken]]);
    const restart = ['restart db-1 db-3 2'];
    expect([step.state.phase, told(step), reasons(step)]).toEqual(['watching', restart, ['needs-restart']]);
  });
});

describe('locks', () => {
  it('who has just got them asks everybody once more before it does anything', () => {
    const voters = { 'db-2': fenced(), 'db-3': fenced() };
    const first = play([[500, seen({ ...voters, 'db-3': { ...fenced(), lock: 'other' } })]], initialState(0));
    expect([first.state.phase, told(first)]).toEqual(['passive', ['lock db-3']]);
    const asked = (askedAtMs: number) =>
      seen({ 'db-1': { askedAtMs }, 'db-2': { ...fenced(), askedAtMs }, 'db-3': { ...fenced(), askedAtMs } });
    expect(play([[600, asked(499)]], first.state).state.phase).toBe('passive');
    expect(told(play([[600, asked(501)]], first.state))).toEqual(['follow db-2 db-1', 'follow db-3 db-1']);
  });

  const lock = (first: string, second: string, third: string) =>
    seen({ 'db-1': { lock: first }, 'db-2': { lock: second }, 'db-3': { lock: third } } as never);

  it.each([
    ['none', 'none', 'none', ['lock db-1', 'lock db-2', 'lock db-3']],
    ['held', 'held', 'none', ['lock db-3']],
    ['held', 'other', 'none', ['unlock db-1']],
    ['other', 'other', 'none', ['lock db-1', 'lock db-2', 'lock db-3']],
  ])('%s, %s, %s', (first, second, third, actions) => {
    expect(told(play([[0, lock(first, second, third)]]))).toEqual(actions);
  });

  it('whoever let go waits for a while', () => {
    const step = play([
      [0, lock('held', 'other', 'none')],
      [100, lock('none', 'other', 'none')],
    ]);
    expect(told(step)).toEqual([]);
    expect(told(play([[400, lock('none', 'none', 'none')]], step.state))).toHaveLength(3);
  });

  it('without a majority nothing else is done', () => {
    const dead = { 'db-2': { state: { linked: false } }, 'db-3': { state: { linked: false } } };
    const others = {
      'db-1': { ...refusedSince(0), lock: 'none' },
      'db-2': { ...dead['db-2'], lock: 'other' },
      'db-3': { ...dead['db-3'], lock: 'other' },
    };
    const step = play([
      [0, lock('other', 'other', 'none')],
      [500, seen(others as never)],
    ]);
    expect(step.state.phase).toBe('passive');
    expect(told(step).every((action) => action.startsWith('lock'))).toBe(true);
  });
});
