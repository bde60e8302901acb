import { describe, expect, it } from 'vitest';
import { overrideResult, whatMayBeLost } from '../src/status/override.ts';

const says = (code: string, detail = 'why') => ({ status: 409, body: { code, detail } });
const done = {
  status: 200,
  body: { ok: true, to: 'db-3', epoch: 3, givenUp: ['db-1', 'db-2'], loss: 'unknown' },
};

describe('two nodes are to be given up', () => {
  it('every supervisor is asked what may be lost', () => {
    const answers = { a: says('data-may-be-lost', 'this'), b: says('data-may-be-lost', 'that') };
    expect(whatMayBeLost(answers)).toEqual(['a: this', 'b: that']);
  });

  it.each([
    ['one that disagrees', { a: says('data-may-be-lost'), b: says('primary-alive') }, 'primary-alive'],
    ['one that is silent', { a: says('data-may-be-lost'), b: null }, 'supervisor-silent'],
    ['one that is not understood', { a: { status: 200, body: 'hello' } }, 'supervisor-silent'],
    ['none', {}, 'no-supervisors'],
  ])('%s is enough to refuse', (_, answers, code) => {
    expect(() => whatMayBeLost(answers)).toThrow(expect.objectContaining({ code }));
  });

  it('the one that holds the node carries it out', () => {
    expect(overrideResult({ a: says('lock-not-held'), b: done })).toMatchObject({ by: 'b', epoch: 3 });
    const failed = { a: says('lock-not-held'), b: says('undone') };
    expect(() => overrideResult(failed)).toThrow(expect.objectContaining({ code: 'undone' }));
    expect(() => overrideResult({ a: null })).toThrow(expect.objectContaining({ code: 'no-answer' }));
  });
});
