import { readFile } from 'node:fs/promises';
import { Client } from 'pg';
import { type Endpoint, EngineError, type ReplicationAccount } from '../types.ts';
import { slotName } from './conninfo.ts';
import { pgTls } from './tls.ts';

const TIMEOUT_MS = 5000;
const ALREADY_THERE = '42710';

/**
 * Makes `node`'s slot on `source` over the replication protocol, for which the node's own replication account is
 * enough. From then on the source keeps what the node has not received.
 */
export async function ensureSlot(
  node: Endpoint,
  source: Endpoint,
  replication: ReplicationAccount,
): Promise<void> {
  const config = {
    ...(await tlsOf(source, replication)),
    host: source.host,
    port: source.port,
    user: replication.user,
    password: replication.password,
    replication: 'true',
    connectionTimeoutMillis: TIMEOUT_MS,
    query_timeout: TIMEOUT_MS,
  };
  const client = new Client(config);
  client.on('error', () => {}); // the query in flight, if any, is told
  try {
    await client.connect();
    await client.query(`CREATE_REPLICATION_SLOT ${slotName(node.name)} PHYSICAL RESERVE_WAL`);
  } catch (error) {
    if ((error as { code?: string }).code === ALREADY_THERE) return;
    const why = `cannot make a replication slot for ${node.name} on ${source.name}: ${(error as Error).message}`;
    throw new EngineError('other', why, { endpoint: source, cause: error });
  } finally {
    await client.end().catch(() => {});
  }
}

/** Read anew each time: certificates are renewed while this process lives. */
async function tlsOf({ tls }: Endpoint, replication: ReplicationAccount) {
  if (!tls) return {};
  const file = replication.tls?.file;
  const certificate = file === undefined ? tls.certificate : await readFile(file, 'utf8');
  return { ssl: pgTls({ ...tls, certificate }) };
}

/** Keeps the log for backups, wherever those are taken from. `max_slot_wal_keep_size` bounds what it keeps. */
export const BACKUP_SLOT = 'lab_backup';

/** Slots on a node that is no longer a primary serve nobody, and would keep its log until its disk is full. */
export const DROP_IDLE_SLOTS_SQL = `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
  WHERE NOT active AND slot_type = 'physical' AND slot_name <> '${BACKUP_SLOT}'`;
