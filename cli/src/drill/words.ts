import type { EngineName } from '@replication-lab/engines';

/** What a person would type on a replica, by engine. */
export const STOP_APPLYING: Readonly<Record<EngineName, string>> = {
  mysql: 'STOP REPLICA SQL_THREAD',
  mariadb: 'STOP SLAVE SQL_THREAD',
  postgres: 'SELECT pg_wal_replay_pause()',
};
