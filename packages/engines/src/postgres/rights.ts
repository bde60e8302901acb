import { escapeIdentifier } from 'pg';
import type { Right, Rights } from '../rights.ts';

/** Made with the schema; see `FUNCTIONS` in schema.ts. */
export const HISTORY_FILE = 'lab_history_file';
export const DROP_IDLE_SLOTS = 'lab_drop_idle_slots';
export const END_SESSION = 'lab_end_session';

/** What a supervisor sets with ALTER SYSTEM. */
const SETTINGS = [
  'default_transaction_read_only',
  'primary_conninfo',
  'primary_slot_name',
  'recovery_min_apply_delay',
  'synchronous_standby_names',
  'wal_receiver_timeout',
];

/** What each account may do on PostgreSQL. `since16`: the server is 16 or newer. */
export function rightsOf(database: string, { since16 }: { readonly since16: boolean }): Rights {
  const login: Right = {
    grants: [`CONNECT ON DATABASE ${escapeIdentifier(database)}`],
    why: "logs in to the lab's database",
  };
  const anyTime: readonly Right[] = since16
    ? [
        {
          grants: ['pg_use_reserved_connections'],
          why: 'logs in when clients have taken all connections (16 and newer)',
        },
      ]
    : [];
  const reads: Right = {
    grants: ['SELECT ON users, idempotency_keys, lab_epoch, lab_marker'],
    why: 'answers reads; asks whether the lab is ready',
  };
  const probes: Right = {
    grants: ['pg_monitor'],
    why: 'sees whom a node follows, how far it has come, and who is committing',
  };
  return {
    supervisor: [
      login,
      ...anyTime,
      probes,
      {
        grants: [`ALTER SYSTEM ON PARAMETER ${SETTINGS.join(', ')}`, 'EXECUTE ON FUNCTION pg_reload_conf()'],
        why: 'turns a replica to another source, says whose confirmation commits wait for, opens and closes nodes',
      },
      { grants: ['EXECUTE ON FUNCTION pg_promote(boolean, integer)'], why: 'makes a replica the primary' },
      { grants: ['EXECUTE ON FUNCTION pg_wal_replay_resume()'], why: 'ends a pause of replay' },
      {
        grants: [`EXECUTE ON FUNCTION ${END_SESSION}(integer)`],
        why: 'ends sessions that hold replay up, or keep a primary from closing, but none that writes. The right for that (pg_signal_backend) could also cancel commits that wait for a replica: they would be told "done"',
      },
      {
        grants: [`EXECUTE ON FUNCTION ${HISTORY_FILE}(text)`],
        why: 'reads where timelines began. The right for that (pg_read_file) is for every file of the data directory',
      },
      {
        grants: [`EXECUTE ON FUNCTION ${DROP_IDLE_SLOTS}()`],
        why: 'drops the slots that a replica has left from its time as primary. The right for that (REPLICATION) could also copy all data',
      },
      {
        grants: ['SELECT, INSERT, UPDATE (node) ON lab_epoch'],
        why: 'begins a reign by its row, and has that row confirmed once more',
      },
    ],
    app: [
      login,
      reads,
      { grants: ['INSERT, UPDATE, DELETE ON users, idempotency_keys'], why: 'carries out writes' },
    ],
    appReadOnly: [login, reads],
    monitor: [
      login,
      ...anyTime,
      probes,
      {
        grants: ['SELECT ON lab_epoch, lab_marker'],
        why: 'knows which reign it is, and what it began with',
      },
    ],
    backup: [
      login,
      { grants: ['REPLICATION'], why: 'copies the data, and streams the log: all that is ever written' },
      {
        grants: ['pg_monitor', 'pg_read_all_data'],
        why: 'sees how far a node has come; compares what was restored with what is there; dumps it',
      },
    ],
    replication: [
      { grants: ['REPLICATION'], why: 'copies the data, and streams the log: all that is ever written' },
    ],
  };
}

/** Attributes of the role, which are not granted: capitals and nothing else. */
export const isAttribute = (grant: string): boolean => /^[A-Z]+$/.test(grant);
