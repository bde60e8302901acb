import { accountsFrom, getEngineClient } from '@replication-lab/engines';
import { createRouter, type Router } from '@replication-lab/router';
import { pino } from 'pino';
import { type AppDeps, createApp } from '../../src/app.ts';

export const TOKEN_KEY = 'a-token-key-for-tests-of-the-api-0001';

/** The real router over nodes that nobody listens at: all that an API does when every database is away. */
export function unreachableRouter(): Router {
  return createRouter({
    engine: 'mysql',
    nodes: [1, 2, 3].map((n) => ({ name: `db-${n}`, host: `127.0.34.${200 + n}`, port: 1 })),
    accounts: accountsFrom({
      DB_ENGINE: 'mysql',
      DB_ADMIN_PASSWORD: 'x',
      DB_SUPERVISOR_PASSWORD: 'x',
      DB_APP_PASSWORD: 'x',
      DB_APP_READ_ONLY_PASSWORD: 'x',
      DB_MONITOR_PASSWORD: 'x',
      DB_REPLICATION_PASSWORD: 'x',
    }),
    database: 'lab',
    tokenKeys: [TOKEN_KEY],
  });
}

export interface OfflineApp extends AsyncDisposable {
  readonly app: ReturnType<typeof createApp>['express'];
  /** Every line the application has logged, at all levels. */
  readonly logged: string[];
}

export function offlineApp(changes: Partial<AppDeps> = {}): OfflineApp {
  const router = unreachableRouter();
  const logged: string[] = [];
  const { express, metrics } = createApp({
    db: { router, engine: getEngineClient('mysql') },
    logger: pino({ level: 'trace' }, { write: (line: string) => logged.push(line) }),
    apiName: 'api-test',
    maxInFlight: 64,
    requestTimeoutMs: 5000,
    idempotencyWaitMs: 1000,
    trustProxy: 'loopback',
    ...changes,
  });
  return {
    app: express,
    logged,
    async [Symbol.asyncDispose]() {
      metrics.stop();
      await router.close();
    },
  };
}
