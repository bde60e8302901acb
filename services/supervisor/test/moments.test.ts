import { describe, expect, it } from 'vitest';
import { stepFailover } from '../src/core/step.ts';
import { initialState, type Observation, type SupervisorState } from '../src/core/types.ts';
import { textOf } from '../src/event-text.ts';
import { Moments } from '../src/moments.ts';
import { at, CAUGHT_UP, context, fenced, hostOf, refusedSince, seen } from './world.ts';

/** What a supervisor tells while it sees this, each event with its time. */
function tell(frames: readonly (readonly [nowMs: number, observation: Observation])[]) {
  const moments = new Moments((ms) => `T${ms}`);
  let state: SupervisorState = { ...initialState(-100_000), activeSinceMs: -100_000, lives: CAUGHT_UP };
  return frames.flatMap(([nowMs, observation]) => {
    const step = stepFailover(state, observation, nowMs, context);
    state = step.state;
    return moments.step(step, observation.nodes, nowMs);
  });
}

const words = (told: ReturnType<typeof tell>) => told.map(({ event, atMs }) => `${atMs} ${event.what}`);

const gone = (ms: number) => refusedSince(ms, 3);
const detached = (held: number) => fenced({ held: at(held), position: at(held), received: at(held) });
const armedQuorum = { armed: true, trouble: null, voters: null, confirming: ['repl_db_3'] };

const failover = [
  [0, seen()],
  [1_000, seen({ 'db-1': refusedSince(990, 1) })],
  [1_400, seen({ 'db-1': gone(990) })],
  [1_420, seen({ 'db-1': gone(990), 'db-2': detached(120), 'db-3': detached(110) })],
  [1_500, seen({ 'db-1': gone(990), 'db-2': detached(120), 'db-3': detached(110) })],
  [1_520, seen({ 'db-1': gone(990), 'db-2': detached(120), 'db-3': detached(110) })],
] as const;

describe('the moments of a failover', () => {
  it('begin with the first failed question, and the proof is told once', () => {
    const told = tell(failover);
    expect(words(told)).toEqual(['0 armed', '990 suspected', '1400 confirmed', '1500 chosen']);
    expect(told[2]!.event).toMatchObject({ primary: 'db-1', epoch: 1, evidence: 'hard', afterMs: 410 });
    const proof = told[3]!.event;
    expect(proof).toMatchObject({
      node: 'db-2',
      epoch: 1,
      voters: [
        { name: 'db-2', held: '120', epoch: 1, detachedAt: 'T1420' },
        { name: 'db-3', held: '110', epoch: 1, detachedAt: 'T1420' },
      ],
      old: { name: 'db-1', held: '100', askedAt: 'T0', failure: 'refused: connect ECONNREFUSED' },
    });
    expect(textOf(proof)).toBe(
      'db-2 is chosen, it holds all that any voter holds: db-2 holds 120; db-3 holds 110; db-1 last known: 100',
    );
  });

  it('end with the new primary open, whether its order was answered or not', () => {
    const reign = { epoch: 2, node: 'db-2' };
    const promoted = { ...detached(120), reign };
    const next = (readOnly: boolean) =>
      seen({
        'db-1': gone(990),
        'db-2': {
          ...promoted,
          state: { ...promoted.state, promoted: true, readOnly, epoch: 2, quorum: armedQuorum },
        },
        'db-3': { reign, state: { epoch: 2, source: hostOf('db-2') } },
      });
    const told = tell([...failover, [1_600, next(true)], [1_650, next(false)]]).slice(4);
    expect(words(told).slice(0, 1)).toEqual(['1650 opened']);
    expect(told[0]!.event).toEqual({
      ...{
        what: 'opened',
        node: 'db-2',
        epoch: 2,
        from: 'db-1',
        evidence: 'hard',
        outageMs: 660,
        promotionMs: 250,
      },
    });
    // db-1 is away: nobody would replace db-2 now.
    expect(told[1]!.event).toMatchObject({ what: 'unarmed', reasons: [expect.stringContaining('db-1')] });
    expect(told).toHaveLength(2);
  });

  it('a primary that answers again is cleared, with the time it took', () => {
    const told = tell([...failover.slice(0, 2), [1_200, seen()]]);
    expect(words(told)).toEqual(['0 armed', '990 suspected', '1200 cleared']);
    expect(told[2]!.event).toMatchObject({ primary: 'db-1', afterMs: 210 });
  });

  it('a supervisor that takes over tells what it can still see', () => {
    const told = tell(failover.slice(4));
    expect(words(told)).toEqual(['990 suspected', '1500 confirmed']);
    expect(told[1]!.event).toMatchObject({ evidence: 'fenced' });
  });

  it('one that only watches tells nothing', () => {
    const other = { lock: 'other' } as const;
    const passive = (ms: number) =>
      [ms, seen({ 'db-1': { ...gone(10), ...other }, 'db-2': other, 'db-3': other })] as const;
    expect(tell([passive(0), passive(2_000)])).toEqual([]);
  });
});
