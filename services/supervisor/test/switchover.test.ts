import { replicationUser } from '@replication-lab/engines/config';
import { describe, expect, it } from 'vitest';
import { newWish, whyNoSwitchover } from '../src/core/switchover.ts';
import type { Observation, Step, SupervisorState } from '../src/core/types.ts';
import { type SwitchoverOutcome, SwitchoverRun } from '../src/switchover-run.ts';
import {
  at,
  context,
  fenced,
  hostOf,
  play,
  reasons,
  refusedSince,
  seen,
  silentSince,
  told,
} from './world.ts';

const closed = { state: { readOnly: true } };
const quorum = { armed: true, trouble: null, voters: null, confirming: [] };
const armed = { quorum: { ...quorum, confirming: [replicationUser('db-3')] } };
const following = { state: { source: hostOf('db-2'), linked: true } };

/** db-3 follows db-2 already: all that was to be done before the primary is closed. */
const ready = (changes: Parameters<typeof seen>[0] = {}) => seen({ 'db-3': following, ...changes });

/** Armed, and then somebody wishes for db-2 at 0 ms. */
function wished(...frames: readonly (readonly [nowMs: number, observation: Observation])[]): Step {
  const first = play([[0, seen()]]);
  const wish = newWish('db-2', first, 0, context);
  const state: SupervisorState = { ...first.state, wish };
  return play(frames, state);
}

describe('a switchover, piece by piece', () => {
  it('lets db-3 follow db-2, and then closes the primary', () => {
    const step = wished([10, seen()]);
    expect([step.state.phase, told(step), reasons(step)]).toEqual([
      'closing',
      ['follow db-3 db-2'],
      ['not-following'],
    ]);
    const unlinked = { state: { ...following.state, linked: false } };
    expect(told(wished([10, seen({ 'db-3': unlinked })]))).toEqual([]);
    expect(told(wished([10, ready()]))).toEqual(['close db-1']);
  });

  it('does so only when db-2 alone is enough to confirm', () => {
    const joining = {
      state: {
        quorum: { ...quorum, voters: [replicationUser('db-3')], confirming: [replicationUser('db-3')] },
      },
    };
    const step = wished([10, seen({ 'db-1': joining })]);
    expect([told(step), reasons(step)]).toEqual([['arm db-1 db-2,db-3'], ['not-following']]);
  });

  it('gives db-3 back when db-2 confirms nothing meanwhile', () => {
    const lost = wished([10, ready({ 'db-2': { state: { linked: false } } })]);
    expect([lost.state.phase, told(lost)]).toEqual(['closing', ['follow db-3 db-1']]);
    expect(told(wished([10, ready({ 'db-2': silentSince(0) })]))).toEqual(['follow db-3 db-1']);
    expect(told(wished([5_000, ready()]))).toEqual(['follow db-3 db-1']);
  });

  it('a primary that dies meanwhile is dead: db-3 hears from somebody else', () => {
    const dead = { 'db-1': refusedSince(0), 'db-2': { state: { linked: false } } };
    const step = wished([10, ready()], [500, ready(dead)]);
    expect([step.state.phase, told(step)]).toEqual(['fencing', ['detach db-2', 'detach db-3']]);
  });

  it('closes the primary when the replicas have what it had a moment ago', () => {
    expect(told(wished([10, ready()]))).toEqual(['close db-1']);
    const late = { state: { position: at(90) } };
    const behind = { state: { ...following.state, position: at(90) } };
    for (const lagging of [seen({ 'db-2': late }), seen({ 'db-3': late }), ready({ 'db-3': behind })]) {
      const step = wished([10, lagging]);
      expect([step.state.phase, told(step), reasons(step)]).toEqual(['closing', [], ['lagging']]);
    }
    const soon = wished([10, ready({ 'db-2': late })], [100, ready({ 'db-2': { askedAtMs: 100 } })]);
    expect(told(soon)).toEqual(['close db-1']);
    const tooLate = wished([10, ready({ 'db-2': late })], [500, ready({ 'db-2': { askedAtMs: 500 } })]);
    expect(told(tooLate)).toEqual([]);
  });

  it.each([
    ['a voter does not follow', { 'db-3': { state: { linked: false } } }, 'not-following'],
    ['a voter does not apply', { 'db-3': { state: { applyTrouble: 'stopped' } } }, 'apply-trouble'],
    ['a voter is silent', { 'db-3': silentSince(0) }, 'voter-silent'],
    ["a voter's lock is not held", { 'db-3': { lock: 'other' as const } }, 'voter-not-locked'],
  ])('waits with the primary open while %s', (_, changes, reason) => {
    const step = wished([10, seen(changes)]);
    expect([step.state.phase, told(step).filter((it) => it.startsWith('close')), reasons(step)]).toEqual([
      'closing',
      [],
      [reason],
    ]);
  });

  it('is forgotten after its time, and in another reign', () => {
    expect(wished([5_000, seen()]).state).toMatchObject({ phase: 'watching', wish: null });
    const next = { reign: { epoch: 2, node: 'db-3' } };
    expect(wished([10, seen({ 'db-3': next })]).state.wish).toBeNull();
  });

  it('takes the voters away when db-2 has all that the closed primary held', () => {
    const less = { state: { held: at(90) } };
    const waiting = wished([10, seen({ 'db-1': closed, 'db-2': less })]);
    expect(told(wished([10, ready({ 'db-1': closed })])), 'and arms it').toEqual(['detach db-2 db-3']);
    expect([waiting.state.phase, told(waiting)]).toEqual(['closing', []]);
    expect(told(wished([10, seen({ 'db-1': closed })]))).toEqual(['detach db-2', 'detach db-3']);
    // What the closed primary writes for itself afterwards is nobody's.
    const more = { state: { readOnly: true, held: at(101) } };
    const later = wished([10, seen({ 'db-1': closed })], [20, seen({ 'db-1': more, 'db-2': fenced() })]);
    expect(told(later)).toEqual(['detach db-3']);
  });

  it('arms db-2, though db-3 holds as much, and goes on from there as ever', () => {
    const fence = [10, seen({ 'db-1': closed })] as const;
    const then = (voters: Parameters<typeof seen>[0]) =>
      told(wished(fence, [20, seen({ 'db-1': closed, ...voters })]));
    expect(then({ 'db-2': fenced(), 'db-3': fenced() })).toEqual(['arm db-2 db-3']);
    expect(then({ 'db-2': fenced({ quorum }), 'db-3': fenced() })).toEqual(['follow db-3 db-2']);
    expect(then({ 'db-2': fenced(armed), 'db-3': following })).toEqual(['promote db-2 2']);
    expect(then({ 'db-2': fenced({ ...armed, promoted: true }), 'db-3': following })).toEqual([
      'establish db-2 2',
    ]);
  });

  it('the old primary is demoted where that can be done, and started again where not', () => {
    const reign = { epoch: 2, node: 'db-2' };
    const successor = { reign, state: { ...fenced(armed).state, promoted: true, readOnly: false, epoch: 2 } };
    const after = (demotable: boolean) =>
      told(
        play([
          [
            0,
            seen({
              'db-1': { state: { readOnly: true, demotable } },
              'db-2': successor,
              'db-3': { ...following, reign },
            }),
          ],
        ]),
      );
    expect(after(true)).toEqual(['demote db-1']);
    expect(after(false)).toEqual(['restart db-1 db-2 2']);
  });
});

describe('a switchover that is given up', () => {
  const lost = { 'db-1': closed, 'db-2': fenced(), 'db-3': fenced() };

  it('by the end of its time, or of its supervisor: the primary gets its voters back, and is opened', () => {
    const orphaned = play([
      [0, seen()],
      [10, seen(lost)],
    ]);
    expect([orphaned.state.phase, told(orphaned)]).toEqual([
      'opening',
      ['open db-1 1', 'follow db-2 db-1', 'follow db-3 db-1'],
    ]);
    const deaf = { ...closed, state: { readOnly: true, quorum } };
    expect(told(play([[10, seen({ ...lost, 'db-1': deaf })]], orphaned.state))).toEqual([
      'follow db-2 db-1',
      'follow db-3 db-1',
    ]);
    expect(told(wished([10, seen({ 'db-1': closed })], [5_100, seen({ 'db-1': closed })]))).toEqual([
      'open db-1 1',
    ]);
  });

  it('because a voter has fallen silent', () => {
    const step = wished([10, seen({ 'db-1': closed, 'db-3': silentSince(0) })]);
    expect([step.state.phase, told(step)]).toEqual(['opening', ['open db-1 1']]);
  });

  it('after db-2 was armed, only when the other voter is gone: nobody could confirm its commits', () => {
    const chosen = { 'db-1': closed, 'db-2': fenced({ quorum }) };
    const goesOn = play([
      [0, seen()],
      [10, seen({ ...chosen, 'db-3': fenced() })],
    ]);
    expect(told(goesOn)).toEqual(['follow db-3 db-2']);
    const turnsBack = play([
      [0, seen()],
      [10, seen({ ...chosen, 'db-3': silentSince(0) })],
    ]);
    expect([turnsBack.state.phase, told(turnsBack)]).toEqual([
      'opening',
      ['open db-1 1', 'follow db-2 db-1'],
    ]);
    const promoted = { ...chosen, 'db-2': fenced({ quorum, promoted: true }) };
    const stays = play([
      [0, seen()],
      [10, seen({ ...promoted, 'db-3': silentSince(0) })],
    ]);
    expect([stays.state.phase, told(stays)]).toEqual(['refusing', []]);
  });

  it('and was begun to be turned back: whoever follows the primary again is not fenced once more', () => {
    const half = seen({ 'db-1': { state: { readOnly: false } }, 'db-2': fenced({ quorum }) });
    const step = play([
      [0, seen()],
      [10, half],
    ]);
    expect([step.state.phase, told(step)]).toEqual(['watching', ['follow db-2 db-1']]);
  });

  it('never where the primary has died: then it is a failover, and db-2 is preferred still', () => {
    const step = wished(
      [10, seen({ 'db-1': closed })],
      [20, seen({ 'db-1': refusedSince(15), 'db-2': fenced(), 'db-3': fenced() })],
      [80, seen({ 'db-1': refusedSince(15), 'db-2': fenced(), 'db-3': fenced() })],
    );
    expect(told(step)).toEqual(['arm db-2 db-3']);
  });
});

describe('who may not even begin', () => {
  it.each([
    ['a node that is not there', 'db-9', play([[0, seen()]]), 'unknown-node'],
    ['the primary itself', 'db-1', play([[0, seen()]]), 'already-primary'],
    ['a voter is silent', 'db-2', play([[0, seen({ 'db-3': silentSince(0) })]]), 'voter-silent'],
    [
      'commits wait for nobody',
      'db-2',
      play([[0, seen({ 'db-1': { state: { quorum: { ...quorum, armed: false } } } })]]),
      'not-armed',
    ],
    ['one is under way', 'db-3', wished([10, seen()]), 'busy'],
    ['nothing was seen yet', 'db-2', null, 'not-acting'],
  ])('%s', (_, to, last, code) => {
    expect(whyNoSwitchover(to, last, context)?.code).toBe(code);
  });
});

describe('what is answered', () => {
  const first = play([[0, seen()]]);
  const ending = (frames: readonly (readonly [number, Observation])[], failed = false) => {
    const wish = newWish('db-2', first, 0, context);
    const run = new SwitchoverRun(wish, 'db-1', 0);
    let state: SupervisorState = { ...first.state, wish };
    let outcome: SwitchoverOutcome | null = null;
    for (const [nowMs, observation] of frames) {
      const step = play([[nowMs, observation]], state);
      state = step.state;
      outcome = run.saw(step, nowMs);
      if (failed && step.state.phase === 'closing') {
        run.closingFailed('writes go on');
        state = { ...state, wish: null };
      }
    }
    return outcome as SwitchoverOutcome | null;
  };
  const reign = { epoch: 2, node: 'db-2' };
  const promoted = { ...fenced(armed).state, promoted: true, readOnly: false, epoch: 2 };
  const over = seen({ 'db-1': closed, 'db-2': { reign, state: promoted }, 'db-3': { ...following, reign } });

  it('how long the primary was closed', () => {
    expect(
      ending([
        [10, ready()],
        [30, ready({ 'db-1': closed })],
        [200, over],
      ]),
    ).toEqual({ ok: true, from: 'db-1', to: 'db-2', epoch: 2, closedMs: 190 });
  });

  const late = seen({ 'db-2': { state: { position: at(90) } } });
  it.each([
    [
      'lagging',
      [
        [10, late],
        [5_100, late],
      ],
    ],
    [
      'not-ready',
      [
        [10, seen({ 'db-3': silentSince(0) })],
        [5_100, seen()],
      ],
    ],
    [
      'undone',
      [
        [10, ready()],
        [30, ready({ 'db-1': closed })],
        [5_100, ready({ 'db-1': closed })],
        [5_200, seen()],
      ],
    ],
    ['lost-office', [[10, seen({ 'db-1': { lock: 'other' }, 'db-2': { lock: 'other' } })]]],
  ] as const)('%s', (code, frames) => {
    expect(ending(frames)).toMatchObject({ ok: false, code });
  });

  it('writes that do not end', () => {
    expect(
      ending(
        [
          [10, seen()],
          [1_500, seen()],
        ],
        true,
      ),
    ).toMatchObject({ code: 'writes-under-way' });
  });
});
