import { escapeId, escape as literal } from 'mysql2';
import type { REIGN_COLUMNS } from '../reign.ts';
import { grantsOf, type Rights } from '../rights.ts';
import type { Accounts, Connection, Credentials, ServerSpec } from '../types.ts';
import { FORGET_SOURCE, firstGrants } from './rights.ts';

/** MEDIUMTEXT: a GTID set with many gaps may be longer than TEXT allows, and must not keep a primary from being opened. */
export const EPOCH_COLUMNS: Readonly<Record<(typeof REIGN_COLUMNS)[number], string>> = {
  fork_position: 'MEDIUMTEXT COLLATE utf8mb4_bin NULL',
  start_position: 'MEDIUMTEXT COLLATE utf8mb4_bin NULL',
  lossless: 'BOOLEAN NOT NULL DEFAULT 0',
};

/**
 * The tables, the same on MySQL and MariaDB. Collations are named because the two have different defaults: e-mail
 * addresses and keys compare byte by byte as on PostgreSQL, names without regard to case. No index on `name`: a search
 * must cost real work. All times are UTC: the servers' time zone is +00:00.
 */
const TABLES: Readonly<Record<string, string>> = {
  users: `
    id         BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name       VARCHAR(200) COLLATE utf8mb4_general_ci NOT NULL,
    email      VARCHAR(254) COLLATE utf8mb4_bin NOT NULL,
    version    INT NOT NULL DEFAULT 1,
    created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    updated_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    UNIQUE KEY users_email_key (email)`,
  idempotency_keys: `
    idempotency_key VARCHAR(128) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
    body_hash       CHAR(64) COLLATE utf8mb4_bin NOT NULL,
    status          SMALLINT NULL,
    response        TEXT COLLATE utf8mb4_bin NULL,
    created_at      DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    KEY idempotency_keys_created_at (created_at)`,
  lab_epoch: `
    epoch     BIGINT NOT NULL PRIMARY KEY,
    node      VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    opened_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    ${Object.entries(EPOCH_COLUMNS)
      .map((column) => column.join(' '))
      .join(',\n    ')}`,
  lab_marker: `
    id       INT NOT NULL PRIMARY KEY,
    ready_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)`,
};

/** IF NOT EXISTS alone would be logged, and so become history, even where nothing happens; hence the questions first. */
export async function createDatabase(connection: Connection, database: string): Promise<void> {
  const { rows } = await connection.query('SELECT 1 FROM information_schema.schemata WHERE schema_name = ?', [
    database,
  ]);
  if (rows.length > 0) return;
  await connection.query(`CREATE DATABASE ${escapeId(database)} CHARACTER SET utf8mb4`);
}

/** `forgetSource`: the statement that makes a node forget whom it followed, for the supervisors' procedure. */
export async function createSchema(
  connection: Connection,
  database: string,
  forgetSource: string,
): Promise<void> {
  const { rows } = await connection.query(
    'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ?',
    [database],
  );
  const present = new Set(rows.map((row) => row.name));
  for (const [table, columns] of Object.entries(TABLES)) {
    if (present.has(table)) continue;
    await connection.query(
      `CREATE TABLE ${escapeId(database)}.${table} (${columns}) ENGINE = InnoDB CHARACTER SET utf8mb4`,
    );
  }
  await createForgetSource(connection, database, forgetSource);
}

/** It does that one thing with the rights of root, who makes it. */
async function createForgetSource(
  connection: Connection,
  database: string,
  statement: string,
): Promise<void> {
  const { rows } = await connection.query(
    'SELECT 1 FROM information_schema.routines WHERE routine_schema = ? AND routine_name = ?',
    [database, FORGET_SOURCE],
  );
  if (rows.length > 0) return;
  await connection.query(
    `CREATE PROCEDURE ${escapeId(database)}.${FORGET_SOURCE}() SQL SECURITY DEFINER ${statement}`,
  );
}

/** An account as statements name it. */
export const accountText = (user: string): string => `${literal(user)}@'%'`;

/** Clear text is refused to the account: at all, or unless it shows a certificate of this name. */
export type Requirement = 'NONE' | 'SSL' | `SUBJECT ${string}`;

/** Makes the account, or gives an existing one this password, and adds the grants: `SELECT ON lab.users` … */
async function createAccount(
  connection: Connection,
  { user, password }: Credentials,
  grants: readonly string[],
  requirement: Requirement,
): Promise<void> {
  const account = accountText(user);
  const how = `IDENTIFIED BY ${literal(password)} REQUIRE ${requirement}`;
  await connection.query(`CREATE USER IF NOT EXISTS ${account} ${how}`);
  await connection.query(`ALTER USER ${account} ${how}`);
  for (const grant of grants) await connection.query(`GRANT ${grant} TO ${account}`);
}

/** The statements that make the supervisor's account on a fresh node; see `firstGrants`. */
export function firstAccount(
  { supervisor: { user, password }, tls }: Pick<ServerSpec, 'supervisor' | 'tls'>,
  rights: Rights,
  database: string,
): string[] {
  const account = accountText(user);
  return [
    `CREATE USER ${account} IDENTIFIED BY ${literal(password)} REQUIRE ${requirementOf(tls)};`,
    ...firstGrants(rights.supervisor, account, database),
  ];
}

/** Of an account that shows no certificate of its own. */
export const requirementOf = (tls: unknown): Requirement => (tls ? 'SSL' : 'NONE');

/** `EngineAdmin.createAccounts` of both engines. */
export async function createAccounts(
  connection: Connection,
  accounts: Accounts,
  rights: Rights,
): Promise<void> {
  const { supervisor, app, appReadOnly, monitor, backup, replication, tls } = accounts;
  for (const [name, account] of Object.entries({ supervisor, app, appReadOnly, monitor, backup })) {
    await createAccount(connection, account, grantsOf(rights[name as keyof Rights]), requirementOf(tls));
  }
  for (const account of Object.values(replication)) {
    // As OpenSSL writes a subject in one line.
    const requirement: Requirement = account.tls ? `SUBJECT ${literal(`/CN=${account.user}`)}` : 'NONE';
    await createAccount(connection, account, grantsOf(rights.replication), requirement);
  }
}
