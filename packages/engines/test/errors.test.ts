import { describe, expect, it } from 'vitest';
import type { EngineErrorCode } from '../src/index.ts';
import { EngineError } from '../src/index.ts';
import { translateError as translateMariadb } from '../src/mariadb/errors.ts';
import { translateError as translateMysql } from '../src/mysql/errors.ts';
import { translateError as translatePostgres } from '../src/postgres/errors.ts';
import { judge } from '../src/session/outcome.ts';

const endpoint = { name: 'db-1', host: '127.0.32.1', port: 3306 };
const connected = { endpoint, connected: true };
const connecting = { endpoint, connected: false };

const serverError = (errno: number, sqlState: string, message = 'x', fatal = false) =>
  Object.assign(new Error(message), { errno, sqlState, code: 'ER_X', ...(fatal && { fatal }) });
const networkError = (code: string) => Object.assign(new Error(code), { code, errno: -111, fatal: true });

describe.each([
  ['mysql', translateMysql],
  ['mariadb', translateMariadb],
] as const)('%s errors', (_engine, translate) => {
  it.each<[number, string, string, EngineErrorCode]>([
    [1290, 'HY000', 'running with the --super-read-only option', 'read-only'],
    [1290, 'HY000', 'running with the --read-only option', 'read-only'],
    [1290, 'HY000', 'running with the --secure-file-priv option', 'other'],
    [1290, 'HY000', 'running with the --skip-grant-tables option', 'other'],
    [1792, '25006', 'Cannot execute statement in a READ ONLY transaction', 'read-only'],
    [1836, 'HY000', 'Running in read-only mode', 'read-only'],
    [1040, '08004', 'Too many connections', 'overloaded'],
    [1203, '42000', 'more than max_user_connections', 'overloaded'],
    [1213, '40001', 'Deadlock found', 'deadlock'],
    [1205, 'HY000', 'Lock wait timeout', 'deadlock'],
    [1142, '42000', 'denied', 'access-denied'],
    [1064, '42000', 'syntax', 'bad-statement'],
    [1146, '42S02', 'no such table', 'bad-statement'],
    [1406, '22001', 'Data too long', 'bad-statement'],
    [1364, 'HY000', 'no default value', 'bad-statement'],
    [1053, '08S01', 'shutdown in progress', 'connection-lost'],
    [1927, '70100', 'Connection was killed', 'connection-lost'],
    [1180, 'HY000', 'error during COMMIT', 'outcome-unknown'],
    [9999, 'HY000', 'something new', 'other'],
  ])('%i %s (%s) is %s'.replace('%s (%s)', '%s: %s'), (errno, state, message, code) => {
    expect(translate(serverError(errno, state, message), connected).code).toBe(code);
  });

  it.each([
    "Duplicate entry 'a@b' for key 'users.users_email_key'",
    "Duplicate entry 'a@b' for key 'users_email_key'",
    "Duplicate entry 'for key 'evil'' for key 'users_email_key'",
  ])('names the violated key of: %s', (message) => {
    const error = translate(serverError(1062, '23000', message), connected);
    expect(error).toMatchObject({ code: 'unique-violation', constraint: 'users_email_key', endpoint });
  });

  it.each(['ECONNRESET', 'EPIPE', 'PROTOCOL_CONNECTION_LOST', 'ETIMEDOUT'])(
    '%s is connection-lost once connected',
    (code) => {
      expect(translate(networkError(code), connected).code).toBe('connection-lost');
      expect(translate(networkError(code), connecting).code).toBe('connect-failed');
    },
  );

  it('tells refusals from failures while connecting', () => {
    expect(translate(networkError('ECONNREFUSED'), connecting).code).toBe('connect-failed');
    expect(translate(serverError(1045, '28000'), connecting).code).toBe('access-denied');
    expect(translate(serverError(1040, '08004'), connecting).code).toBe('overloaded');
    expect(translate(serverError(1049, '42000', 'Unknown database'), connecting).code).toBe('connect-failed');
  });

  it("a value that the driver refuses to send is the statement's fault", () => {
    expect(translate(new TypeError('Bind parameters must not contain undefined'), connected).code).toBe(
      'bad-statement',
    );
  });
});

describe('postgres errors', () => {
  const pgError = (code: string, severity = 'ERROR', constraint?: string) =>
    Object.assign(new Error('x'), { code, severity, constraint });

  it.each<[string, string, EngineErrorCode]>([
    ['25006', 'ERROR', 'read-only'],
    ['40001', 'ERROR', 'deadlock'],
    ['40P01', 'ERROR', 'deadlock'],
    ['42501', 'ERROR', 'access-denied'],
    ['42601', 'ERROR', 'bad-statement'],
    ['42P01', 'ERROR', 'bad-statement'],
    ['22021', 'ERROR', 'bad-statement'],
    ['23502', 'ERROR', 'bad-statement'],
    ['40003', 'ERROR', 'outcome-unknown'],
    ['57014', 'ERROR', 'other'],
    ['57P01', 'FATAL', 'connection-lost'],
    ['40001', 'FATAL', 'connection-lost'],
    ['XX000', 'ERROR', 'other'],
    ['XX000', 'PANIC', 'connection-lost'],
  ])('%s (%s) is %s', (state, severity, code) => {
    expect(translatePostgres(pgError(state, severity), connected).code).toBe(code);
  });

  it('names the violated constraint', () => {
    const error = translatePostgres(pgError('23505', 'ERROR', 'users_email_key'), connected);
    expect(error).toMatchObject({ code: 'unique-violation', constraint: 'users_email_key' });
  });

  it.each(['EPIPE', 'ECONNRESET'])('%s is a broken socket, not a SQLSTATE', (code) => {
    expect(translatePostgres(networkError(code), connected).code).toBe('connection-lost');
  });

  it('tells refusals from failures while connecting', () => {
    expect(translatePostgres(networkError('ECONNREFUSED'), connecting).code).toBe('connect-failed');
    expect(translatePostgres(pgError('57P03', 'FATAL'), connecting).code).toBe('connect-failed');
    expect(translatePostgres(pgError('53300', 'FATAL'), connecting).code).toBe('overloaded');
    expect(translatePostgres(pgError('28P01', 'FATAL'), connecting).code).toBe('access-denied');
  });
});

describe('what a failure means', () => {
  const lost = (code: EngineErrorCode) => new EngineError(code, 'x', { endpoint });

  it.each(['connection-lost', 'timeout', 'aborted'] as const)(
    '%s of a sent write or COMMIT leaves its outcome unknown',
    (code) => {
      expect(judge(lost(code), 'write').code).toBe('outcome-unknown');
      expect(judge(lost(code), 'commit').code).toBe('outcome-unknown');
      expect(judge(lost(code), 'write').cause).toMatchObject({ code });
    },
  );

  it.each(['connection-lost', 'timeout', 'aborted'] as const)(
    '%s of a read or before COMMIT changed nothing',
    (code) => {
      expect(judge(lost(code), 'read').code).toBe(code);
      expect(judge(lost(code), 'transaction').code).toBe(code);
    },
  );

  it('nothing that comes from the midst of a transaction looks as if it had not begun', () => {
    for (const phase of ['transaction', 'read-only'] as const) {
      expect(judge(lost('overloaded'), phase).code).toBe('other');
    }
    expect(judge(lost('overloaded'), 'begin').code).toBe('overloaded');
  });

  it('a READ ONLY transaction has no unknown outcome, whatever its COMMIT answers', () => {
    for (const code of ['connection-lost', 'timeout', 'aborted'] as const) {
      expect(judge(lost(code), 'read-only').code).toBe(code);
    }
    expect(judge(lost('outcome-unknown'), 'read-only').code).toBe('other');
    expect(judge(lost('outcome-unknown'), 'transaction').code).toBe('outcome-unknown');
  });

  it.each(['unique-violation', 'read-only', 'deadlock', 'overloaded'] as const)(
    "%s is the server's answer: it stays",
    (code) => {
      expect(judge(lost(code), 'write').code).toBe(code);
      expect(judge(lost(code), 'commit').code).toBe(code);
    },
  );
});
