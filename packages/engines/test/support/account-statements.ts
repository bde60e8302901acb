import type { EngineName } from '../../src/index.ts';
import type { AccountName } from '../../src/rights.ts';

/** On the open primary, in the lab's database; accounts that replicate cannot log in there, and are in none. */
type Statements = Readonly<Record<AccountName, readonly string[]>>;

const FORGET: Readonly<Record<EngineName, readonly string[]>> = {
  mysql: ['CALL lab_forget_source()', 'SET GLOBAL rpl_semi_sync_replica_enabled = ON'],
  mariadb: ['CALL lab_forget_source()', 'SET GLOBAL rpl_semi_sync_slave_enabled = ON'],
  postgres: [
    "SELECT lab_history_file('00000009.history')",
    'SELECT lab_drop_idle_slots()',
    'SELECT lab_end_session(0)',
    'SELECT pg_reload_conf()',
  ],
};

const COPIES: Readonly<Record<EngineName, readonly string[]>> = {
  mysql: [
    'SHOW BINARY LOGS',
    'SELECT @@global.gtid_owned',
    'LOCK TABLES users READ',
    'SHOW TRIGGERS',
    'SHOW CREATE PROCEDURE lab_forget_source',
  ],
  mariadb: [
    'SHOW BINARY LOGS',
    'BACKUP STAGE START',
    'LOCK TABLES users READ',
    'SHOW TRIGGERS',
    'SELECT body FROM mysql.proc',
  ],
  postgres: ['SELECT pg_current_wal_flush_lsn()', 'SELECT * FROM pg_replication_slots'],
};

/**
 * What each account must be able to do, so that the refusals below mean something. Of a supervisor the rest is done by the
 * tests of failovers, and of an account that replicates by every replica.
 */
export const allowed = (engine: EngineName): Statements => ({
  supervisor: [
    'SELECT max(epoch) FROM lab_epoch',
    "INSERT INTO lab_epoch (epoch, node) VALUES (0, 'nobody')",
    ...FORGET[engine],
  ],
  app: [
    "INSERT INTO users (name, email) VALUES ('may', 'may@example.test')",
    "UPDATE users SET name = 'might' WHERE email = 'may@example.test'",
    "DELETE FROM users WHERE email = 'may@example.test'",
    'SELECT count(*) FROM idempotency_keys',
    'SELECT max(epoch) FROM lab_epoch',
    'SELECT id FROM lab_marker',
  ],
  appReadOnly: ['SELECT count(*) FROM users', 'SELECT max(epoch) FROM lab_epoch'],
  monitor: ['SELECT max(epoch) FROM lab_epoch', 'SELECT id FROM lab_marker'],
  backup: ['SELECT count(*) FROM users', 'SELECT count(*) FROM idempotency_keys', ...COPIES[engine]],
  replication: ['SELECT 1'],
});

const NOBODY_MAY = [
  'CREATE TABLE intruder (id int)',
  'DROP TABLE users',
  'ALTER TABLE lab_epoch ADD COLUMN intruder int',
  'DELETE FROM lab_epoch',
  'UPDATE lab_epoch SET epoch = epoch + 1',
  'CREATE DATABASE intruder',
];
/** Heartbeats of supervisors are rows of `lab_marker` on mysql and mariadb. */
const NO_MARKER = ['DELETE FROM lab_marker', 'UPDATE lab_marker SET id = id + 1'];
const NO_EPOCH = ["INSERT INTO lab_epoch (epoch, node) VALUES (99, 'db-9')"];
const ONLY_READ = ["INSERT INTO users (name, email) VALUES ('no', 'no@example.test')", 'DELETE FROM users'];
const NO_CLIENT_DATA = [
  'SELECT * FROM users',
  "UPDATE users SET name = 'no'",
  'SELECT * FROM idempotency_keys',
  'DELETE FROM idempotency_keys',
];

/** Of everybody. */
const ENGINE_FORBIDS: Readonly<Record<EngineName, readonly string[]>> = {
  mysql: [
    "CREATE USER intruder IDENTIFIED BY 'x'",
    "ALTER USER repl_db_1 IDENTIFIED BY 'x'",
    'GRANT SELECT ON lab.users TO monitor',
    'SELECT * FROM mysql.user',
    'SHUTDOWN',
    'RESET BINARY LOGS AND GTIDS',
    'RESET REPLICA ALL',
    "PURGE BINARY LOGS TO 'binlog.000001'",
    'SHOW BINARY LOGS',
    'FLUSH TABLES WITH READ LOCK',
    "CLONE LOCAL DATA DIRECTORY = '/tmp/intruder'",
    "INSTALL PLUGIN intruder SONAME 'intruder.so'",
    "SELECT 'x' INTO OUTFILE '/tmp/intruder'",
    'CREATE PROCEDURE lab.intruder() SELECT 1',
    'DROP PROCEDURE lab.lab_forget_source',
    'CREATE TRIGGER lab.intruder BEFORE INSERT ON lab.users FOR EACH ROW SET @intruder = 1',
    'SELECT PROCESSLIST_INFO FROM performance_schema.threads',
    "SELECT * FROM performance_schema.events_statements_history WHERE SQL_TEXT LIKE '%x%'",
  ],
  mariadb: [
    "CREATE USER intruder IDENTIFIED BY 'x'",
    "ALTER USER repl_db_1 IDENTIFIED BY 'x'",
    'GRANT SELECT ON lab.users TO monitor',
    'SELECT * FROM mysql.global_priv',
    'SHUTDOWN',
    'RESET MASTER',
    'RESET SLAVE ALL',
    "PURGE BINARY LOGS TO 'binlog.000001'",
    'SHOW BINARY LOGS',
    'FLUSH TABLES WITH READ LOCK',
    "INSTALL SONAME 'intruder'",
    "SELECT 'x' INTO OUTFILE '/tmp/intruder'",
    'SET GLOBAL slow_query_log = ON',
    'CREATE PROCEDURE lab.intruder() SELECT 1',
    'DROP PROCEDURE lab.lab_forget_source',
    'CREATE TRIGGER lab.intruder BEFORE INSERT ON lab.users FOR EACH ROW SET @intruder = 1',
    'SELECT PROCESSLIST_INFO FROM performance_schema.threads',
  ],
  postgres: [
    "CREATE ROLE intruder LOGIN PASSWORD 'x'",
    "ALTER ROLE repl_db_1 PASSWORD 'x'",
    'SET ROLE postgres',
    'SELECT * FROM pg_authid',
    "SELECT pg_read_file('postgresql.auto.conf')",
    "COPY (SELECT 1) TO '/tmp/intruder'",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "COPY pg_temp.intruder FROM PROGRAM 'true'",
    "ALTER SYSTEM SET archive_command = 'true'",
    "ALTER SYSTEM SET fsync = 'off'",
    "SELECT pg_create_physical_replication_slot('intruder')",
    "SELECT pg_drop_replication_slot('intruder')",
    'SELECT pg_cancel_backend(pid) FROM pg_stat_replication',
    'SELECT pg_switch_wal()',
    'CHECKPOINT',
    "SELECT lo_import('/etc/passwd')",
    'CREATE EXTENSION file_fdw',
    "CREATE FUNCTION intruder() RETURNS int LANGUAGE sql AS 'SELECT 1'",
  ],
};

/** Of everybody but supervisors. */
const SUPERVISION: Readonly<Record<EngineName, readonly string[]>> = {
  mysql: ['SET GLOBAL read_only = OFF', 'STOP REPLICA', 'CALL lab.lab_forget_source()'],
  mariadb: ['SET GLOBAL read_only = OFF', 'STOP SLAVE', 'CALL lab.lab_forget_source()'],
  postgres: [
    "ALTER SYSTEM SET default_transaction_read_only = 'off'",
    'SELECT pg_promote(false)',
    'SELECT pg_reload_conf()',
    'SELECT pg_wal_replay_resume()',
  ],
};
const LAB_FUNCTIONS = [
  "SELECT lab_history_file('00000002.history')",
  'SELECT lab_drop_idle_slots()',
  'SELECT lab_end_session(0)',
];

/** In no database of the lab's, or in none at all. */
const REPLICATION_FORBIDS: Readonly<Record<EngineName, readonly string[]>> = {
  mysql: [
    'SELECT * FROM lab.users',
    'SELECT * FROM lab.lab_epoch',
    'DROP TABLE lab.users',
    'CREATE DATABASE intruder',
  ],
  mariadb: [
    'SELECT * FROM lab.users',
    'SELECT * FROM lab.lab_epoch',
    'DROP TABLE lab.users',
    'CREATE DATABASE intruder',
  ],
  postgres: ['CREATE TABLE intruder (id int)', 'CREATE DATABASE intruder'],
};
/** What an account that replicates is there for, or may do by that. */
const BY_REPLICATING = /SHOW BINARY LOGS|replication_slot|pg_cancel_backend|^CREATE FUNCTION|pg_temp/;

/**
 * What the account for backups may do by the rights that copying takes. On mariadb RELOAD is one of them; on postgres it can read
 * every table, as whoever copies all files can.
 */
const BY_COPYING: Readonly<Record<EngineName, RegExp>> = {
  mysql: /^SHOW BINARY LOGS|^CLONE/,
  mariadb: /^SHOW BINARY LOGS|^FLUSH TABLES|^RESET/,
  postgres: /pg_authid|replication_slot/,
};

/** What each account must not be able to do. */
export function forbidden(engine: EngineName): Statements {
  const everybody = ENGINE_FORBIDS[engine];
  const clients = [
    ...NOBODY_MAY,
    ...NO_EPOCH,
    ...NO_MARKER,
    ...everybody,
    ...SUPERVISION[engine],
    ...(engine === 'postgres' ? LAB_FUNCTIONS : []),
  ];
  return {
    supervisor: [
      ...NOBODY_MAY,
      ...(engine === 'postgres' ? NO_MARKER : NO_MARKER.slice(1)),
      ...everybody,
      ...ONLY_READ,
      ...NO_CLIENT_DATA,
    ],
    app: clients,
    appReadOnly: [...clients, ...ONLY_READ],
    monitor: [...clients, ...ONLY_READ, ...NO_CLIENT_DATA],
    backup: [...clients.filter((sql) => !BY_COPYING[engine].test(sql)), ...ONLY_READ],
    replication: [
      ...REPLICATION_FORBIDS[engine],
      ...everybody.filter((sql) => !BY_REPLICATING.test(sql)),
      ...SUPERVISION[engine],
    ],
  };
}
