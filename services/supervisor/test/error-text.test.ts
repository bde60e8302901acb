import { EngineError } from '@replication-lab/engines';
import { expect, test } from 'vitest';
import { errorText } from '../src/error-text.ts';

test.each([
  ['a login or a statement that is refused', new EngineError('access-denied', 'no')],
  ['mysql, mariadb: no such procedure', new EngineError('bad-statement', 'no', { cause: { errno: 1305 } })],
  ['postgres: no such function', new EngineError('bad-statement', 'no', { cause: { code: '42883' } })],
])('names the mend: %s', (_, error) => {
  expect(errorText(error, 'supervisor')).toMatch(
    /^no\. The account supervisor lacks .*\.\/lab down --volumes.*accounts\.md$/,
  );
});

test.each([
  [new EngineError('connect-failed', 'nobody there'), 'nobody there'],
  [new EngineError('bad-statement', 'no such column', { cause: { errno: 1054 } }), 'no such column'],
  [new Error('it broke'), 'it broke'],
  ['text', 'text'],
])('says what else went wrong as it is: %s', (error, text) => {
  expect(errorText(error, 'supervisor')).toBe(text);
});
