import { describe, expect, it } from 'vitest';
import { mendOf, switchoverResult } from '../src/status/switchover.ts';

const passive = { status: 409, body: { code: 'not-acting', detail: 'another one may' } };
const busy = { status: 409, body: { code: 'busy', detail: 'the supervisor is opening' } };
const done = { status: 200, body: { ok: true, from: 'db-1', to: 'db-2', epoch: 2, closedMs: 180.5 } };

describe('what came of a switchover, by the word of the one that acts', () => {
  it.each([
    ['done', { a: passive, b: done }, { ok: true, by: 'b', from: 'db-1', to: 'db-2', epoch: 2 }],
    ['refused', { a: busy, b: passive }, { ok: false, by: 'a', code: 'busy' }],
    ['nobody acts', { a: passive, b: passive }, { ok: false, by: null, code: 'not-acting' }],
    ['the one that acted is silent', { a: passive, b: null }, { ok: false, by: null, code: 'no-answer' }],
    ['not understood', { a: passive, b: { status: 200, body: 'hello' } }, { ok: false, code: 'no-answer' }],
  ])('%s', (_, answers, expected) => {
    expect(switchoverResult(answers)).toMatchObject(expected);
  });

  it('every refusal has a mend', () => {
    for (const code of ['busy', 'lagging', 'anything']) expect(mendOf(code)).toMatch(/lab/);
  });
});
