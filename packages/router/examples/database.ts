// What your application's database.ts may look like. Every instance of it uses the same TOKEN_KEY.
//   DB_HOSTS=10.0.0.1,10.0.0.2,10.0.0.3   DB_NAME=shop   TOKEN_KEY=<32 random characters or more>
//   APP_PASSWORD=…   APP_READ_ONLY_PASSWORD=…   MONITOR_PASSWORD=…
import { createRouter, type Router } from '@replication-lab/router';

export function routerFromEnv(engine: 'mysql' | 'mariadb' | 'postgres'): Router {
  const { DB_HOSTS = '127.0.0.1', DB_NAME = 'lab', TOKEN_KEY = '' } = process.env;
  const account = (user: string, variable: string) => ({ user, password: process.env[variable] ?? '' });
  return createRouter({
    engine,
    // In any order: which one is the primary is asked, never configured.
    nodes: DB_HOSTS.split(',').map((host, i) => ({
      name: `db-${i + 1}`,
      host,
      port: engine === 'postgres' ? 5432 : 3306,
    })),
    database: DB_NAME,
    accounts: {
      app: account('app', 'APP_PASSWORD'),
      appReadOnly: account('app_ro', 'APP_READ_ONLY_PASSWORD'),
      monitor: account('monitor', 'MONITOR_PASSWORD'),
    },
    tokenKeys: [TOKEN_KEY],
  });
}
