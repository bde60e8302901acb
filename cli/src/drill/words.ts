import type { EngineName } from '@replication-lab/engines';

/** What a person would type on a replica, by engine. */
export const STOP_APPLYING: Readonly<Record<EngineName, string>> = {
  mysql: 'STOP REPLICA SQL_THREAD',
  mariadb: 'STOP SLAVE SQL_THREAD',
  postgres: 'SELECT pg_wal_replay_pause()',
};

const ERRANT = `INSERT INTO users (name, email) VALUES ('Errant', 'errant@drill.test')`;

/** A write on a replica, by its administrator. PostgreSQL lets nobody. */
export const WRITE_ERRANT: Readonly<Record<EngineName, readonly string[]>> = {
  mysql: ['SET GLOBAL super_read_only = OFF', ERRANT, 'SET GLOBAL super_read_only = ON'],
  mariadb: [ERRANT],
  postgres: [ERRANT],
};

export const COUNT_ERRANT = `SELECT count(*) AS errant FROM users WHERE email = 'errant@drill.test'`;
