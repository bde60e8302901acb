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
  type Row,
} from '../types.ts';
import { waitFor } from '../wait-for.ts';
import { positions } from './positions.ts';
import { probe } from './probe.ts';
import { rightsOf } from './rights.ts';

const ATTACH_TIMEOUT_MS = 15_000;
const FORGET_SOURCE = 'RESET SLAVE ALL';

async function isPristine(connection: Connection): Promise<boolean> {
  const { rows } = await connection.query(
    `SELECT @@global.gtid_binlog_pos AS logged, @@global.gtid_slave_pos AS applied, (
       SELECT COUNT(*) FROM information_schema.schemata
        WHERE schema_name NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')) AS others`,
  );
  return rows[0]?.logged === '' && rows[0]?.applied === '' && Number(rows[0]?.others) === 0;
}

/**
 * Forgets the source and what was received but not applied: the caller waits for that first. root has READ ONLY ADMIN
 * and could write all the time.
 */
async function open(connection: Connection, beforeClients = async () => {}): Promise<void> {
  await connection.query('STOP SLAVE');
  await connection.query(FORGET_SOURCE);
  await beforeClients();
  await connection.query('SET GLOBAL read_only = OFF');
}

/** Accounts with READ ONLY ADMIN can still write, and only root has it. Transactions that have written fail at COMMIT. */
async function close(connection: Connection): Promise<void> {
  await connection.query('SET GLOBAL read_only = ON');
}

async function attach(
  connection: Connection,
  _node: Endpoint,
  source: Endpoint,
  replication: ReplicationAccount,
  options: CallOptions = {},
): Promise<void> {
  await close(connection);
  const before = await status(connection);
  if (before && isSame(before, source, replication) && isRunning(before)) return;
  await changeSource(connection, source, replication);
  const { timeoutMs = ATTACH_TIMEOUT_MS, signal } = options;
  let last = 'no answer yet';
  const running = await waitFor(
    async () => {
      const row = (await status(connection)) ?? {};
      last = String(row.Last_IO_Error || row.Last_SQL_Error || last);
      if (hasGivenUp(row)) throw failed(connection, source, last);
      return isRunning(row);
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
  await connection.query('STOP SLAVE');
  await connection.query(
    `CHANGE MASTER TO
       MASTER_HOST = ${literal(source.host)}, MASTER_PORT = ${source.port},
       MASTER_USER = ${literal(replication.user)}, MASTER_PASSWORD = ${literal(replication.password)},
       ${tlsClause(replication)}
       MASTER_CONNECT_RETRY = 1, MASTER_HEARTBEAT_PERIOD = 0.5,
       MASTER_USE_GTID = slave_pos${(await hasOwnHistory(connection)) ? ', MASTER_DEMOTE_TO_SLAVE = 1' : ''}`,
  );
  await connection.query('START SLAVE');
}

/** In words also without certificates: RESET SLAVE ALL keeps what was said before. */
function tlsClause({ tls }: ReplicationAccount): string {
  if (!tls) return 'MASTER_SSL = 0, MASTER_SSL_VERIFY_SERVER_CERT = 0,';
  const { ca, replication } = tls.node;
  return `MASTER_SSL = 1, MASTER_SSL_VERIFY_SERVER_CERT = 1, MASTER_SSL_CA = ${literal(ca)},
       MASTER_SSL_CERT = ${literal(replication)}, MASTER_SSL_KEY = ${literal(replication)},`;
}

/**
 * A node that was primary has transactions in its own log that it never got as a replica. MASTER_DEMOTE_TO_SLAVE counts
 * them as applied; without it the node would ask for them again.
 */
async function hasOwnHistory(connection: Pick<Connection, 'query'>): Promise<boolean> {
  const { rows } = await connection.query(
    'SELECT @@global.gtid_binlog_pos AS logged, @@global.gtid_slave_pos AS applied',
  );
  return rows[0]?.logged !== '' && rows[0]?.logged !== rows[0]?.applied;
}

function failed(connection: Connection, source: Endpoint, why: string, code: 'other' | 'timeout' = 'other') {
  const { endpoint } = connection;
  return new EngineError(code, `${endpoint.name} does not follow ${source.name}: ${why}`, { endpoint });
}

async function status(connection: Connection): Promise<Row | null> {
  return (await connection.query('SHOW SLAVE STATUS')).rows[0] ?? null;
}

function isSame(row: Row, source: Endpoint, { user, tls }: ReplicationAccount): boolean {
  const isThere =
    row.Master_Host === source.host && Number(row.Master_Port) === source.port && row.Master_User === user;
  return isThere && verifiesWith(row) === (tls?.node.ca ?? '');
}

/** The file with whose certificates a replica verifies its source; empty when it does not. */
export function verifiesWith(status: Row): string {
  const verifies = status.Master_SSL_Allowed === 'Yes' && status.Master_SSL_Verify_Server_Cert === 'Yes';
  return verifies ? String(status.Master_SSL_CA_File) : '';
}

/**
 * The source has really begun to send. A receiver says Yes as soon as it is connected, and a source that refuses its
 * request (purged or diverged history) says so a moment later; only then has it named no log file.
 */
function isRunning(row: Row): boolean {
  return row.Slave_IO_Running === 'Yes' && row.Slave_SQL_Running === 'Yes' && row.Master_Log_File !== '';
}

/** A thread has stopped for good, so that waiting is of no use. A receiver that still tries says `Connecting`. */
function hasGivenUp(row: Row): boolean {
  const receiver = row.Slave_IO_Running === 'No' && Number(row.Last_IO_Errno) !== 0;
  const applier = row.Slave_SQL_Running === 'No' && Number(row.Last_SQL_Errno) !== 0;
  return receiver || applier;
}

/**
 * Both threads have to stop for that, and starting either one when both are stopped throws the relay log away. Nothing
 * is lost: what was not applied is fetched again from the source.
 */
async function setApplyDelay(connection: Connection, seconds: number): Promise<void> {
  if ((await readApplyDelay(connection)) === seconds) return;
  const change = `CHANGE MASTER TO MASTER_DELAY = ${wholeSeconds(seconds)}`;
  for (let attempt = 1; ; attempt++) {
    await connection.query('STOP SLAVE');
    try {
      await connection.query(change);
      break;
    } catch (error) {
      // A supervisor attaches a replica that follows nobody, also one that has been stopped for this.
      if (attempt === MAX_ATTEMPTS || errnoOf(error) !== ER_SLAVE_MUST_STOP) throw error;
    }
  }
  await connection.query('START SLAVE');
}

const MAX_ATTEMPTS = 5;
const ER_SLAVE_MUST_STOP = 1198;
const errnoOf = (error: unknown): unknown =>
  error instanceof EngineError ? (error.cause as { errno?: unknown } | undefined)?.errno : undefined;

async function readApplyDelay(connection: Connection): Promise<number> {
  return Number((await status(connection))?.SQL_Delay ?? 0);
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
    await connection.query('STOP SLAVE');
  },
  setApplyDelay,
  readApplyDelay,
  // LOCAL: else it is written to the binary log, and a replica on which it ran has diverged from its source.
  reloadCertificates: 'FLUSH LOCAL SSL',
  replicaNeedsCopy: false,
};
