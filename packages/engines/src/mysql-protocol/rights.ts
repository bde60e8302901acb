import { escapeId } from 'mysql2';
import type { Right, Rights } from '../rights.ts';

/** Made with the schema; see `FORGET_SOURCE` in schema.ts. */
export const FORGET_SOURCE = 'lab_forget_source';

/** What MySQL and MariaDB grant in the same words: all that is about the lab's own tables, and to replicate. */
export function commonRights(database: string): Rights {
  const on = (table: string) => `ON ${escapeId(database)}.${table}`;
  const select = (...tables: string[]) => tables.map((table) => `SELECT ${on(table)}`);
  const reads: Right = {
    grants: select('users', 'idempotency_keys', 'lab_epoch', 'lab_marker'),
    why: 'answers reads; asks whether the lab is ready',
  };
  return {
    supervisor: [
      {
        grants: [`SELECT, INSERT ${on('lab_epoch')}`, `UPDATE (opened_at) ${on('lab_epoch')}`],
        why: 'begins a reign by its row, and has that row confirmed once more',
      },
      {
        grants: [`SELECT, INSERT, DELETE ${on('lab_marker')}`],
        why: 'writes heartbeats: a row that comes and goes in one transaction',
      },
      {
        grants: [`EXECUTE ON PROCEDURE ${escapeId(database)}.${FORGET_SOURCE}`],
        why: 'makes a new primary forget its source. The right for that (RELOAD) could also delete the binary log',
      },
    ],
    app: [
      reads,
      {
        grants: ['users', 'idempotency_keys'].map((table) => `INSERT, UPDATE, DELETE ${on(table)}`),
        why: 'carries out writes',
      },
    ],
    appReadOnly: [reads],
    monitor: [
      { grants: select('lab_epoch', 'lab_marker'), why: 'knows which reign it is, and what it began with' },
    ],
    // All that it may read it is shown by the log as well.
    backup: [
      { grants: ['REPLICATION SLAVE ON *.*'], why: 'fetches the binary log' },
      { grants: [`SELECT ${on('*')}`], why: 'compares what was restored with what is there; dumps it' },
      {
        grants: [`SHOW VIEW, TRIGGER ${on('*')}`],
        why: 'dumps what views and triggers say. Who may not, is shown none of them. With TRIGGER it could make triggers where there is no binary log',
      },
    ],
    replication: [
      { grants: ['REPLICATION SLAVE ON *.*'], why: 'fetches the binary log: all that is ever written' },
    ],
  };
}

/**
 * What a fresh node has to know before it has any history: a supervisor has to log in there to give it one. Run as root,
 * outside the binary log, after the account is made. Everything else comes with the history.
 */
export function firstGrants(rights: readonly Right[], account: string, database: string): string[] {
  const epochs = `ON ${escapeId(database)}.lab_epoch`;
  const global = rights.flatMap(({ grants }) =>
    grants.filter((grant) => / ON (\*\.\*|performance_schema\.\w+)$/.test(grant)),
  );
  return [
    ...global.map((grant) => `GRANT ${grant} TO ${account};`),
    // Else the question for the epoch would be refused, and not answered "no such table". Only with CREATE can a right be
    // given to a table that is not there.
    `GRANT CREATE, SELECT ${epochs} TO ${account};`,
    `REVOKE CREATE ${epochs} FROM ${account};`,
  ];
}
