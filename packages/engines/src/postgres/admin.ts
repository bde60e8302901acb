import { SUPERVISOR_USER } from '../names.ts';
import {
  type CallOptions,
  type Connection,
  type Endpoint,
  type EngineAdmin,
  EngineError,
  type ReplicationAccount,
} from '../types.ts';
import { waitFor } from '../wait-for.ts';
import { primaryConninfo, slotName } from './conninfo.ts';
import { held } from './history.ts';
import { KNOCK_AFTER_MS, knock } from './knock.ts';
import { writeEpoch } from './reign.ts';
import { createAccounts, createDatabase, createSchema } from './schema.ts';
import { ask, set } from './settings.ts';
import { DROP_IDLE_SLOTS_SQL, ensureSlot } from './slots.ts';

const ATTACH_TIMEOUT_MS = 15_000;
/** For the server to do what it was told: reread its settings, leave recovery, end a receiver. */
const EFFECT_TIMEOUT_MS = 10_000;

/** Connected to `postgres`: no other database. Connected to another: that is the only one, and it has no tables. */
async function isPristine(connection: Connection): Promise<boolean> {
  const { rows } = await connection.query(
    `SELECT (SELECT count(*) FROM pg_database
              WHERE NOT datistemplate AND datname NOT IN ('postgres', current_database())) +
            (SELECT count(*) FROM pg_class
              WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')) AS found`,
  );
  return Number(rows[0]?.found) === 0;
}

/** Ends recovery where there is one, and then the read-only default, under which only administrators can write. */
async function open(connection: Connection, beforeClients = async () => {}): Promise<void> {
  if (await ask(connection, 'SELECT pg_is_in_recovery()')) {
    await set(connection, {
      primary_conninfo: '',
      primary_slot_name: '',
      recovery_min_apply_delay: '0',
      default_transaction_read_only: 'on',
    });
    await connection.query('SELECT pg_promote(false)');
    await effect(
      connection,
      'is still in recovery',
      async () => !(await ask(connection, 'SELECT pg_is_in_recovery()')),
    );
  }
  await beforeClients();
  await set(connection, { default_transaction_read_only: 'off' });
  await readOnlyDefault(connection, 'off');
}

/**
 * New transactions are read-only unless they ask to write (BEGIN READ WRITE), and clients' sessions end. A
 * primary closes for good only when it boots again, as a standby; a standby is closed in any case.
 */
async function close(connection: Connection): Promise<void> {
  await set(connection, { default_transaction_read_only: 'on' });
  await readOnlyDefault(connection, 'on');
  if (await ask(connection, 'SELECT pg_is_in_recovery()')) return;
  await connection.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity JOIN pg_roles ON rolname = usename
      WHERE backend_type = 'client backend' AND NOT rolsuper AND NOT rolreplication AND rolname <> $1`,
    [SUPERVISOR_USER],
  );
}

async function attach(
  connection: Connection,
  node: Endpoint,
  source: Endpoint,
  replication: ReplicationAccount,
  options: CallOptions = {},
): Promise<void> {
  if (!(await ask(connection, 'SELECT pg_is_in_recovery()'))) {
    throw new EngineError('other', `${node.name} is a primary: it becomes a standby only by a restart`, {
      endpoint: node,
    });
  }
  await ensureSlot(node, source, replication);
  await connection.query(DROP_IDLE_SLOTS_SQL);
  await set(connection, {
    primary_conninfo: primaryConninfo(node, source, replication),
    primary_slot_name: slotName(node.name),
  });
  knock(node, KNOCK_AFTER_MS);
  const { timeoutMs = ATTACH_TIMEOUT_MS, signal } = options;
  const streaming = () =>
    ask(
      connection,
      `SELECT count(*) = 1 FROM pg_stat_wal_receiver WHERE status = 'streaming' AND sender_host = $1 AND sender_port = $2`,
      [source.host, source.port],
    );
  if (await waitFor(streaming, { timeoutMs, everyMs: 20, signal })) return;
  throw new EngineError(
    'timeout',
    `${node.name} does not stream from ${source.name} after ${timeoutMs} ms. PostgreSQL says why only in its log.`,
    { endpoint: node },
  );
}

/** An empty pg_stat_wal_receiver would not do: it hides a receiver that is still connecting. */
async function detach(connection: Connection): Promise<void> {
  await set(connection, { primary_conninfo: '' });
  await effect(connection, 'still has a receiver', () =>
    ask(connection, `SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'walreceiver'`),
  );
}

async function setApplyDelay(connection: Connection, seconds: number): Promise<void> {
  if (!(Number.isSafeInteger(seconds) && seconds >= 0)) {
    throw new RangeError(`an apply delay is a whole number of seconds, not ${seconds}`);
  }
  await set(connection, { recovery_min_apply_delay: `${seconds}s` });
  await effect(
    connection,
    'has not taken the delay',
    async () => (await readApplyDelay(connection)) === seconds,
  );
}

async function readApplyDelay(connection: Connection): Promise<number> {
  return Number(
    await ask(
      connection,
      `SELECT setting::int / 1000 FROM pg_settings WHERE name = 'recovery_min_apply_delay'`,
    ),
  );
}

/** A session rereads the settings between two statements, so that asking until it shows is enough. */
async function readOnlyDefault(connection: Connection, wanted: 'on' | 'off'): Promise<void> {
  const current = () => ask(connection, `SELECT current_setting('default_transaction_read_only')`);
  await effect(connection, `still has default_transaction_read_only other than ${wanted}`, async () => {
    return (await current()) === wanted;
  });
}

async function effect(
  connection: Connection,
  otherwise: string,
  check: () => Promise<unknown>,
): Promise<void> {
  if (await waitFor(check, { timeoutMs: EFFECT_TIMEOUT_MS, everyMs: 5 })) return;
  const { endpoint } = connection;
  throw new EngineError('timeout', `${endpoint.name} ${otherwise} after ${EFFECT_TIMEOUT_MS} ms`, {
    endpoint,
  });
}

/** On an opened node that is closed to clients still, an administrator's session has to say that it wants to write. */
async function writing<T>(connection: Connection, work: () => Promise<T>): Promise<T> {
  await connection.query('SET default_transaction_read_only = off');
  const result = await work();
  await connection.query('RESET default_transaction_read_only');
  return result;
}

export const admin: EngineAdmin = {
  isPristine,
  createDatabase: (connection, database) => writing(connection, () => createDatabase(connection, database)),
  createSchema: (connection) => writing(connection, () => createSchema(connection)),
  createAccounts: (connection, accounts, database) =>
    writing(connection, () => createAccounts(connection, accounts, database)),
  open,
  close,
  writeEpoch: (connection, _database, epoch, node, { lossless = false } = {}) =>
    writing(connection, async () => {
      await writeEpoch(connection, { epoch, node, lossless });
    }),
  writeMarker: (connection) =>
    writing(connection, async () => {
      await connection.query('INSERT INTO lab_marker (id) VALUES (1) ON CONFLICT DO NOTHING');
    }),
  held,
  attach,
  detach,
  setApplyDelay,
  readApplyDelay,
  reloadCertificates: 'SELECT pg_reload_conf()',
  replicaNeedsCopy: true,
};
