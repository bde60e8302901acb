import { describe, expect, it } from 'vitest';
import { initialState, limitsFor } from '../src/core/types.ts';
import { at, fenced, play, reasons, refusedSince, seen, silentSince, told } from './world.ts';

describe('is the primary dead?', () => {
  const unlinked = { state: { linked: false } };

  it.each([
    ['refused twice, and nobody hears it', refusedSince(100), unlinked, unlinked, 'fencing'],
    ['refused once', refusedSince(100, 1), unlinked, unlinked, 'suspecting'],
    ['refused, and one replica hears it', refusedSince(190), unlinked, {}, 'suspecting'],
    ['silent, and all links are broken', silentSince(100), unlinked, unlinked, 'fencing'],
    ['silent for a moment, links stand', silentSince(100), {}, {}, 'suspecting'],
  ])('%s', (_, primary, second, third, phase) => {
    const frames = seen({ 'db-1': primary, 'db-2': second, 'db-3': third });
    expect(
      play([
        [0, seen()],
        [200, frames],
      ]).state.phase,
    ).toBe(phase);
  });

  it('frozen: dead when nobody heard of it for long enough', () => {
    const frozen = seen({ 'db-1': { ...silentSince(1_000), askedAtMs: 0 } });
    const step = play([
      [0, seen()],
      [1_100, frozen],
    ]);
    expect(step.state.phase).toBe('suspecting');
    expect(play([[1_250, frozen]], step.state).state.phase).toBe('fencing');
  });

  it('frozen, where a fence needs a second more: it begins sooner', () => {
    const slow = { limits: limitsFor({ fencesSlowly: true }) };
    const frozen = seen({ 'db-1': { ...silentSince(500), askedAtMs: 0 } });
    const step = play(
      [
        [0, seen()],
        [650, frozen],
      ],
      undefined,
      slow,
    );
    expect(step.state.phase).toBe('suspecting');
    expect(play([[750, frozen]], step.state, slow).state.phase).toBe('fencing');
  });

  it('alone with its silence a supervisor does nothing, however long', () => {
    const hears = (sign: string) => ({ state: { sourceSign: sign } });
    const cut = (sign: string) =>
      seen({ 'db-1': { ...silentSince(0), askedAtMs: 0 }, 'db-2': hears(sign), 'db-3': hears(sign) });
    const step = play([
      [0, seen()],
      [5_000, cut('sign-2')],
      [5_100, cut('sign-3')],
    ]);
    expect([step.state.phase, reasons(step)]).toEqual([
      'suspecting',
      ['voter-sees-primary', 'voter-sees-primary'],
    ]);
  });

  it("silence that is this process's own delay proves nothing", () => {
    const frozen = (lateMs: number) => seen({ 'db-1': { ...silentSince(0), askedAtMs: 0 } }, lateMs);
    const step = play([
      [0, seen()],
      [1_300, frozen(1_250)],
    ]);
    expect([step.state.phase, reasons(step)]).toEqual(['suspecting', ['own-delay']]);
    expect(play([[2_600, frozen(0)]], step.state).state.phase).toBe('fencing');
  });

  it('one that boots again boots closed: dead at once', () => {
    const rebooted = {
      state: {
        promoted: false,
        readOnly: true,
        quorum: { armed: false, trouble: null, voters: null, confirming: [] },
      },
    };
    const step = play([
      [0, seen()],
      [50, seen({ 'db-1': rebooted })],
    ]);
    expect(told(step)).toEqual(['detach db-2', 'detach db-3']);
  });
});

describe('a primary that answers, and that no voter hears', () => {
  const hears = (sign: string) => ({ state: { sourceSign: sign } });
  const both = (sign: string) => seen({ 'db-2': hears(sign), 'db-3': hears(sign) });
  const from = (atMs: number) => [...Array(30)].map((_, i) => [atMs + i * 100, both('one')] as const);

  it('is cut off: nobody could confirm its commits any more', () => {
    const step = play([[0, both('zero')], ...from(100)]);
    expect([step.state.phase, step.verdict]).toEqual(['fencing', { kind: 'dead', by: 'locked' }]);
    // The voters lose their source in the fence, and it goes on.
    const detached = seen({ 'db-2': fenced({ sourceSign: null }), 'db-3': fenced({ sourceSign: null }) });
    const next = play(
      [
        [3_100, detached],
        [3_200, detached],
      ],
      step.state,
    );
    expect(told(next)).toEqual(['arm db-2 db-3']);
    // Where it does not come to an end in time, the voters are given back.
    expect(told(play([[9_000, detached]], step.state))).toEqual(['follow db-2 db-1', 'follow db-3 db-1']);
  });

  it('is not, while one of them hears it, or they follow nobody because they have just started', () => {
    const one = seen({ 'db-2': hears('two'), 'db-3': hears('one') });
    expect(play([[0, both('zero')], ...from(100).slice(0, 15), [1_700, one], [2_500, one]]).state.phase).toBe(
      'watching',
    );
    const started = seen({ 'db-2': fenced(), 'db-3': fenced() });
    expect(
      told(
        play([
          [0, seen()],
          [3_000, started],
        ]),
      ),
    ).toEqual(['follow db-2 db-1', 'follow db-3 db-1']);
  });

  it('is not, while it has only just begun to answer again: it was frozen, and keeps the office', () => {
    const step = play([
      [0, both('zero')],
      ...from(100).slice(0, 15),
      [1_600, seen({ 'db-1': silentSince(1_550) })],
    ]);
    expect(play([[3_000, both('one')]], step.state).state.phase).toBe('watching');
  });
});

describe('a primary that answers, and acknowledges nothing', () => {
  const beats = (unansweredSinceMs: number | null, count = 3) => ({
    pulse: { unansweredSinceMs, beats: count },
  });
  const frame = (ms: number, primary: object, others: Parameters<typeof seen>[0] = {}) =>
    [ms, seen({ ...others, 'db-1': primary })] as const;
  const first = [1_000, seen()] as const;

  it('cannot write: it is replaced when three heartbeats have hung for long enough', () => {
    const early = play([first, frame(2_000, beats(1_500)), frame(3_400, beats(1_500))]);
    expect([early.state.phase, told(early)]).toEqual(['watching', []]);
    const step = play([frame(3_500, beats(1_500))], early.state);
    expect([step.state.phase, step.verdict]).toEqual(['fencing', { kind: 'dead', by: 'gray' }]);
    // No heartbeat is written meanwhile.
    const detached = { 'db-2': fenced(), 'db-3': fenced() };
    const next = play([frame(3_600, {}, detached), frame(3_700, {}, detached)], step.state);
    expect(told(next)).toEqual(['arm db-2 db-3']);
    expect(told(play([frame(9_000, {}, detached)], step.state))).toEqual([
      'follow db-2 db-1',
      'follow db-3 db-1',
    ]);
  });

  it.each([
    ['two heartbeats', beats(1_500, 2), {}],
    ['commits that wait for a voter: they were written', { ...beats(1_500), state: { waiting: 1 } }, {}],
    ['a voter that does not answer', beats(1_500), { 'db-3': silentSince(1_500) }],
    ['a voter that follows nobody', beats(1_500), { 'db-3': { state: { linked: false } } }],
    [
      'nobody who confirms',
      {
        ...beats(1_500),
        state: { quorum: { armed: true, trouble: null, voters: null, confirming: [] } },
      },
      {},
    ],
  ])('%s: it is not replaced', (_, primary, others) => {
    const step = play([first, frame(2_000, primary, others), frame(5_000, primary, others)]);
    expect([step.state.phase, step.verdict]).toEqual(['watching', { kind: 'open' }]);
  });

  it('stays in office while what it holds grows, however long heartbeats take', () => {
    const frames = [2_000, 3_000, 4_000, 5_000, 6_000].map((ms) =>
      frame(ms, { ...beats(1_500), state: { held: at(ms) } }),
    );
    expect(play([first, ...frames]).state.phase).toBe('watching');
  });

  it('stays in office shortly after a promotion, while it is being closed, and for what is the delay of this process', () => {
    const frames = [first, frame(2_000, beats(1_500)), frame(3_500, beats(1_500))];
    const before = { ...initialState(-100_000), activeSinceMs: -100_000 };
    expect(play(frames).state.phase).toBe('fencing');
    expect(play(frames, { ...before, lastPromotionAtMs: -5_000 }).state.phase).toBe('watching');
    expect(play([first, [3_500, seen({ 'db-1': beats(1_500) }, 500)]]).state.phase).toBe('watching');
    const wish = { to: 'db-2', epoch: 1, untilMs: 9_000, goal: null, isNear: false, sealed: null };
    expect(play(frames, { ...before, wish: { ...wish, isHandedOver: false } }).state.phase).toBe('closing');
  });
});
