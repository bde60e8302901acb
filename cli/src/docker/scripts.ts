import type { Credentials, Endpoint, EngineName } from '@replication-lab/engines';
import { accountsFrom, databaseEnvironment } from '@replication-lab/engines/config';
import { labSettings } from '../settings.ts';

/** Small programs for `runInside`: they run where the lab's network and packages are, and print one JSON value. */

export function adminCredentials(engine: EngineName, node: string): Credentials {
  const env = databaseEnvironment.parse({
    ...labSettings(),
    DB_ENGINE: engine,
    DB_NODES: `${node}=${node}:1`,
  });
  return accountsFrom(env).admin;
}

/** Runs `body`, an expression of `engine` and `connection` (of the admin on this node). */
function asAdmin(engine: EngineName, endpoint: Endpoint, body: string): string {
  return `
import { engineOf } from '@replication-lab/engines/bootstrap';
const engine = engineOf(${JSON.stringify(engine)});
const endpoint = ${JSON.stringify(endpoint)};
const admin = ${JSON.stringify(adminCredentials(engine, endpoint.name))};
const connection = await engine.client.connect(endpoint, admin, { connectTimeoutMs: 2000 });
try { console.log(JSON.stringify((await (${body})) ?? null)); } finally { await connection.close(); }
`;
}

export const readApplyDelay = (engine: EngineName, endpoint: Endpoint): string =>
  asAdmin(engine, endpoint, 'engine.admin.readApplyDelay(connection)');

export const setApplyDelay = (engine: EngineName, endpoint: Endpoint, seconds: number): string =>
  asAdmin(engine, endpoint, `engine.admin.setApplyDelay(connection, ${Number(seconds)})`);

export const serverVersion = (engine: EngineName, endpoint: Endpoint): string =>
  asAdmin(
    engine,
    endpoint,
    "connection.query('SELECT version() AS version').then(({ rows }) => rows[0].version)",
  );
