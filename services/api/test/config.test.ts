import { describe, expect, test } from 'vitest';
import { ConfigError, printable, readConfig } from '../src/config.ts';

const nodes = { DB_NODES: 'db-1=127.0.0.1:3306,db-2=127.0.0.2:3306' };

describe('the configuration', () => {
  test('needs only the nodes', () => {
    expect(readConfig(nodes)).toMatchObject({
      API_NAME: 'api-1',
      PORT: 3000,
      DB_ENGINE: 'mysql',
      POOL_WRITE: 5,
      POOL_READ: 10,
      POLL_MS: 200,
      SHUTDOWN_DRAIN_MS: 2500,
    });
  });

  test('an empty variable counts as not set', () => {
    expect(readConfig({ ...nodes, PORT: '', LOG_LEVEL: '' })).toMatchObject({
      PORT: 3000,
      LOG_LEVEL: 'info',
    });
  });

  test.each([
    [{}, 'DB_NODES'],
    [{ DB_NODES: 'localhost' }, 'DB_NODES'],
    [{ ...nodes, PORT: '70000' }, 'PORT'],
    [{ ...nodes, POLL_MS: '1000' }, 'POLL_MS'],
    [{ ...nodes, TOKEN_KEYS: 'short' }, 'TOKEN_KEYS'],
    [{ ...nodes, DB_ENGINE: 'oracle' }, 'DB_ENGINE'],
    [{ ...nodes, API_NAME: 'a\r\nb' }, 'API_NAME'],
    [{ ...nodes, SHUTDOWN_DRAIN_MS: '20000' }, 'SHUTDOWN_TIMEOUT_MS'],
  ])('%j is refused, and %s is named', (env, name) => {
    expect(() => readConfig(env)).toThrow(ConfigError);
    expect(() => readConfig(env)).toThrow(name);
  });

  test('no secret is printed', () => {
    const secret = 'a-secret-of-at-least-32-characters';
    const config = readConfig({
      ...nodes,
      TOKEN_KEYS: secret,
      DB_APP_PASSWORD: secret,
      DB_APP_READ_ONLY_PASSWORD: secret,
      DB_MONITOR_PASSWORD: secret,
    });
    expect(JSON.stringify(printable(config))).not.toContain(secret);
  });
});
