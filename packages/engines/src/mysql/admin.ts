import { escape as literal } from 'mysql2';
import { writeEpoch, writeMarker } from '../mysql-protocol/reign.ts';
import { createAccounts, createDatabase, createSchema } from '../mysql-protocol/schema.ts';
import {
  type CallOptions,
  type Connection,
  type Endpoint,
  type EngineAdmin,
  EngineError,
  type NodeProbe,
  type Position,
  type ReplicationAccount,
} from '../types.ts';
import { waitFor } from '../wait-for.ts';
import { positions } from './positions.ts';
import { probe } from './probe.ts';
import { rightsOf } from './rights.ts';

const ATTACH_TIMEOUT_MS = 15_000;
const FORGET_SOURCE = 'RESET REPLICA ALL';

async function isPristine(connection: Connection): Promise<boolean> {
  const { rows } = await connection.query(
    `SELECT @@global.gtid_executed AS executed, (
       SELECT COUNT(*) FROM information_schema.schemata
        WHERE schema_name NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')) AS others`,
  );
  return rows[0]?.executed === '' && Number(rows[0]?.others) === 0;
}

/**
 * Forgets the source and what was received but not applied: the caller waits for that first. Without super_read_only
 * root can write already, and without read_only everybody can.
 */
async function open(connection: Connection, beforeClients = async () => {}): Promise<void> {
  await connection.query('STOP REPLICA');
  await connection.query(FORGET_SOURCE);
  await connection.query('SET GLOBAL super_read_only = OFF');
  await beforeClients();
  await connection.query('SET GLOBAL read_only = OFF');
}

/** Not even root can write then. Waits for commits in flight. */
async function close(connection: Connection): Promise<void> {
  await connection.query('SET GLOBAL super_read_only = ON');
}

async function attach(
  connection: Connection,
  _node: Endpoint,
  source: Endpoint,
  replication: ReplicationAccount,
  options: CallOptions = {},
): Promise<void> {
  await close(connection);
  if (await follows(connection, source, replication)) return;
  await changeSource(connection, source, replication);
  const { timeoutMs = ATTACH_TIMEOUT_MS, signal } = options;
  let last = 'no answer yet';
  const running = await waitFor(
    async () => {
      const state = await replicationState(connection);
      if (state.error) last = state.error;
      if (state.stopped) throw failed(connection, source, last);
      return state.running;
    },
    { timeoutMs, everyMs: 20, signal },
  );
  if (!running) throw failed(connection, source, `${last} (after ${timeoutMs} ms)`, 'timeout');
}

/** Stops both threads, and starts them towards `source`. What was received and not applied is fetched again from there. */
export async function changeSource(
  connection: Pick<Connection, 'query'>,
  source: Endpoint,
  replication: ReplicationAccount,
): Promise<void> {
  await connection.query('STOP REPLICA');
  await connection.query(
    `CHANGE REPLICATION SOURCE TO
       SOURCE_HOST = ${literal(source.host)}, SOURCE_PORT = ${source.port},
       SOURCE_USER = ${literal(replication.user)}, SOURCE_PASSWORD = ${literal(replication.password)},
       SOURCE_AUTO_POSITION = 1, ${tlsClause(replication)},
       SOURCE_CONNECT_RETRY = 1, SOURCE_RETRY_COUNT = 86400, SOURCE_HEARTBEAT_PERIOD = 0.5`,
  );
  await connection.query('START REPLICA');
}

/** The file with whose certificates a replica verifies its source; empty when it does not. */
export const VERIFIES_WITH =
  "IF(ssl_allowed = 'YES' AND ssl_verify_server_certificate = 'YES', ssl_ca_file, '')";

/** Without certificates encrypted too, for the password's sake, and not verified. */
function tlsClause({ tls }: ReplicationAccount): string {
  if (!tls) return 'SOURCE_SSL = 1, SOURCE_SSL_VERIFY_SERVER_CERT = 0';
  const { ca, replication } = tls.node;
  return `SOURCE_SSL = 1, SOURCE_SSL_VERIFY_SERVER_CERT = 1, SOURCE_SSL_CA = ${literal(ca)},
       SOURCE_SSL_CERT = ${literal(replication)}, SOURCE_SSL_KEY = ${literal(replication)}`;
}

function failed(connection: Connection, source: Endpoint, why: string, code: 'other' | 'timeout' = 'other') {
  const { endpoint } = connection;
  return new EngineError(code, `${endpoint.name} does not follow ${source.name}: ${why}`, { endpoint });
}

async function follows(
  connection: Connection,
  source: Endpoint,
  replication: ReplicationAccount,
): Promise<boolean> {
  const { rows } = await connection.query(
    `SELECT host, port, user, ${VERIFIES_WITH} AS verifiesWith
       FROM performance_schema.replication_connection_configuration`,
  );
  const same = rows.length === 1 && rows.every((row) => isSame(row, source, replication));
  return same && (await replicationState(connection)).running;
}

function isSame(row: Record<string, unknown>, source: Endpoint, { user, tls }: ReplicationAccount): boolean {
  const get = (name: string) => row[name] ?? row[name.toUpperCase()];
  const isThere = get('host') === source.host && Number(get('port')) === source.port && get('user') === user;
  return isThere && (get('verifiesWith') ?? '') === (tls?.node.ca ?? '');
}

/**
 * `stopped`: a thread has given up for good, so that waiting is of no use. A receiver that still tries is not.
 * `running`: the source has really begun to send. A receiver is ON as soon as it is connected, and a source that refuses
 * its request (purged or diverged history) says so a moment later; only then has it named no log file.
 */
async function replicationState(connection: Connection) {
  const row = (await connection.query('SHOW REPLICA STATUS')).rows[0] ?? {};
  const receiver = row.Replica_IO_Running;
  const applier = row.Replica_SQL_Running;
  const error = [row.Last_IO_Error, row.Last_SQL_Error].find(Boolean);
  return {
    running: receiver === 'Yes' && applier === 'Yes' && row.Source_Log_File !== '',
    stopped: Boolean(error) && (receiver === 'No' || applier === 'No'),
    error: error ? String(error) : null,
  };
}

async function setApplyDelay(connection: Connection, seconds: number): Promise<void> {
  if ((await readApplyDelay(connection)) === seconds) return;
  // The receiver goes on meanwhile: what is held back is still received.
  await connection.query('STOP REPLICA SQL_THREAD');
  await connection.query(`CHANGE REPLICATION SOURCE TO SOURCE_DELAY = ${wholeSeconds(seconds)}`);
  await connection.query('START REPLICA SQL_THREAD');
}

async function readApplyDelay(connection: Connection): Promise<number> {
  const { rows } = await connection.query(
    'SELECT desired_delay AS seconds FROM performance_schema.replication_applier_configuration',
  );
  return Number(rows[0]?.seconds ?? 0);
}

function wholeSeconds(seconds: number): number {
  if (Number.isSafeInteger(seconds) && seconds >= 0) return seconds;
  throw new RangeError(`an apply delay is a whole number of seconds, not ${seconds}`);
}

async function held(_connection: Connection, { position, received }: NodeProbe): Promise<Position> {
  return positions.merge(position, received);
}

export const admin: EngineAdmin = {
  isPristine,
  createDatabase,
  createSchema: (connection, database) => createSchema(connection, database, FORGET_SOURCE),
  createAccounts: (connection, accounts, database) =>
    createAccounts(connection, accounts, rightsOf(database)),
  open,
  close,
  writeEpoch: (connection, database, epoch, node, { lossless = false } = {}) =>
    writeEpoch(connection, database, { epoch, node, lossless }, async () =>
      held(connection, await probe(connection)),
    ),
  writeMarker,
  held,
  attach,
  async detach(connection) {
    await connection.query('STOP REPLICA');
  },
  setApplyDelay,
  readApplyDelay,
  reloadCertificates: 'ALTER INSTANCE RELOAD TLS',
  replicaNeedsCopy: false,
};
