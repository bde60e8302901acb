import type { Endpoint, EngineName } from '@replication-lab/engines';
import { ADMIN_USER, DATABASE_NAME } from '@replication-lab/engines/config';

/** Small programs for `runInside`: they run where the lab's network and packages are, and print one JSON value. */

/** Evaluates `expression`, of `engine` and `connection` (of the administrator on this node). */
function asAdmin(engine: EngineName, endpoint: Endpoint, expression: string, database?: string): string {
  return `
import { readFileSync } from 'node:fs';
import { engineOf } from '@replication-lab/engines/bootstrap';
const engine = engineOf(${JSON.stringify(engine)});
const admin = { user: ${JSON.stringify(ADMIN_USER[engine])}, password: process.env.DB_ADMIN_PASSWORD };
const tls = { ca: readFileSync(process.env.DB_TLS_CA, 'utf8') };
const options = { connectTimeoutMs: 3000, database: ${JSON.stringify(database)} };
const connection = await engine.client.connect({ ...${JSON.stringify(endpoint)}, tls }, admin, options);
try { console.log(JSON.stringify((await (${expression})) ?? null)); } finally { await connection.close(); }
`;
}

export const readApplyDelay = (engine: EngineName, endpoint: Endpoint): string =>
  asAdmin(engine, endpoint, 'engine.admin.readApplyDelay(connection)');

export const setApplyDelay = (engine: EngineName, endpoint: Endpoint, seconds: number): string =>
  asAdmin(engine, endpoint, `engine.admin.setApplyDelay(connection, ${Number(seconds)})`);

export const detachNode = (engine: EngineName, endpoint: Endpoint): string =>
  asAdmin(engine, endpoint, 'engine.failover.detach(connection, { timeoutMs: 30_000 })', DATABASE_NAME);

export const serverVersion = (engine: EngineName, endpoint: Endpoint): string =>
  asAdmin(
    engine,
    endpoint,
    "connection.query('SELECT version() AS version').then(({ rows }) => rows[0].version)",
  );

/** The rows of each statement, one after the other, in the lab's database. */
export const queryAsAdmin = (
  engine: EngineName,
  endpoint: Endpoint,
  statements: readonly string[],
): string => {
  const ask = `
(async () => {
  const answers = [];
  for (const sql of ${JSON.stringify(statements)}) answers.push((await connection.query(sql)).rows);
  return answers;
})()`;
  return asAdmin(engine, endpoint, ask, DATABASE_NAME);
};
