import { describe, expect, it } from 'vitest';
import { newOverride, whyNoOverride } from '../src/core/override.ts';
import { at, context, fenced, hostOf, play, refusedSince, seen, silentSince, told } from './world.ts';

const unlocked = { lock: 'none' as const };
const away = { ...refusedSince(1_000), ...unlocked };
const cutOff = { ...silentSince(1_000), ...unlocked };
const alone = (left: object = { state: { linked: false } }) =>
  seen({ 'db-1': away, 'db-2': left, 'db-3': cutOff });

describe('a person wants to go on with the only node that is left', () => {
  const why = (observation = alone(), nowMs = 10_000, order = { to: 'db-2', allowDataLoss: true }) => {
    const last = play([
      [0, seen()],
      [nowMs, observation],
    ]);
    return whyNoOverride(order, last, observation.nodes, context, nowMs)?.code ?? 'done';
  };

  it.each([
    ['that is possible', alone(), 'done'],
    ['the primary answers', seen({ 'db-3': cutOff }), 'primary-alive'],
    ['it hears the primary', alone({ state: { linked: true, source: hostOf('db-1') } }), 'primary-alive'],
    ['the other replica answers', seen({ 'db-1': away }), 'primary-alive'],
    [
      'the other replica answers, unlinked',
      seen({ 'db-1': away, 'db-2': fenced(), 'db-3': fenced() }),
      'another-answers',
    ],
    [
      'it is open itself',
      seen({ 'db-1': away, 'db-2': { state: { promoted: true, readOnly: false } }, 'db-3': cutOff }),
      'primary-alive',
    ],
    ['it does not answer itself', seen({ 'db-1': away, 'db-2': away, 'db-3': cutOff }), 'node-silent'],
    ['somebody else holds its lock', alone({ state: { linked: false }, lock: 'other' }), 'lock-not-held'],
  ])('%s', (_, observation, code) => {
    expect(why(observation)).toBe(code);
  });

  it('not at once, not without the words, and with what is known of the loss', () => {
    expect(why(alone(), 3_000)).toBe('too-soon');
    expect(why(alone(), 10_000, { to: 'db-2', allowDataLoss: false })).toBe('data-may-be-lost');
    const ahead = seen({
      'db-1': { ...away, state: { held: at(120) } },
      'db-2': { state: { linked: false } },
      'db-3': { ...cutOff, state: null },
    });
    const order = { to: 'db-2', allowDataLoss: false };
    const { detail } = whyNoOverride(order, play([[10_000, ahead]]), ahead.nodes, context, 10_000)!;
    expect(detail).toMatch(/db-1 .*120, AHEAD of db-2; what it took since is unknown/);
    expect(detail).toMatch(/db-3 .*never seen by this supervisor, so nothing is known/);
  });

  const ordered = (observation = alone(), nowMs = 10_000) => {
    const before = play([[9_000, alone()]]);
    const override = newOverride('db-2', alone().nodes, before, 9_000);
    return play([[nowMs, observation]], { ...before.state, override, activeSinceMs: -100_000 });
  };

  it('it is detached, applies what it has, and begins a reign that leaves one number out', () => {
    expect(told(ordered()).filter((action) => action.endsWith('db-2'))).toContain('detach db-2');
    const ready = told(ordered(alone(fenced())));
    expect(ready).toContain('found db-2 3 db-1,db-3');
    expect(told(ordered(alone(fenced({ position: at(90) }))))).not.toContain('found db-2 3 db-1,db-3');
  });

  it('a supervisor that only knows of it leaves it to the other one', () => {
    const before = play([[9_000, alone()]]);
    const override = newOverride('db-2', alone().nodes, before, 9_000, false);
    const step = play([[10_000, alone(fenced())]], { ...before.state, override });
    expect(told(step).filter((action) => action.startsWith('found'))).toEqual([]);
    expect(step.state.override).toEqual(override);
  });

  const reign = { epoch: 3, node: 'db-2' };
  const began = (changes: object, others: Parameters<typeof seen>[0] = {}) => {
    const state = { ...fenced().state, promoted: true, epoch: 3, ...changes };
    return seen({ 'db-1': away, 'db-3': cutOff, ...others, 'db-2': { state, reign } });
  };

  it('its commits are made to wait before it is opened, if that was not done with its row', () => {
    const step = ordered(began({}, { 'db-3': fenced() }), 20_000);
    expect(told(step)).toContain('arm db-2 db-1,db-3');
    expect(told(step).filter((action) => action.startsWith('open'))).toEqual([]);
  });

  it('who has come into the new reign is given up no more, once that is open', () => {
    const isIn = { 'db-3': { reign } };
    const closed = ordered(began({ readOnly: true }, isIn), 20_000);
    expect(closed.state.override?.givenUp).toEqual(['db-1', 'db-3']);
    expect(ordered(began({ readOnly: false }, isIn), 20_000).state.override?.givenUp).toEqual(['db-1']);
  });

  it('nothing is done when a node that was given up answers after all, or too late', () => {
    const back = seen({ 'db-1': away, 'db-2': fenced(), 'db-3': fenced() });
    expect(ordered(back).state.override).toBeNull();
    expect(ordered(alone(fenced()), 30_000).state.override).toBeNull();
  });
});
