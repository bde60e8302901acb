import type { Connection, EngineName } from '@replication-lab/engines';
import { pause, until } from './setup.ts';

/**
 * DURABILITY=quorum by hand: a commit is acknowledged once one replica has received it, and waits for ever when there is
 * none. Nothing here is fast or clever: it is the experiment's own ground, and must be plain enough to be believed.
 */
export interface Quorum {
  /** On every node once it runs, before it is attached: what it needs to confirm, and to be asked to. */
  prepare(connection: Connection): Promise<void>;
  /** On a replica that is attached already: makes it one that confirms. */
  enlist(connection: Connection): Promise<void>;
  /** From now on a commit here waits for one of `voters`. A no-op for whoever waits already. */
  arm(connection: Connection, voters: readonly string[]): Promise<void>;
  /** Commits wait for nobody. Only where none is waiting: those would be told "done". */
  disarm(connection: Connection): Promise<void>;
  /** Resolves when `voters` replicas confirm commits of this node. */
  untilConfirmed(connection: Connection, voters: readonly string[]): Promise<void>;
  /** Receives nothing more; what was received is applied still. Returns once that is certain. */
  stopReceiving(connection: Connection): Promise<void>;
  /** Forgets its source, so that it can be armed. Everything received must be applied. */
  forgetSource(connection: Connection): Promise<void>;
}

const CONFIRMED_MS = 30_000;
const ENDLESS = { mariadb: '18446744073709551615', mysql: '4294967295' } as const;

/** Of MySQL's family, which differ in their words only. */
interface SemiSyncWords {
  readonly source: string;
  readonly replica: string;
  readonly clients: string;
  readonly timeout: string;
  readonly noReplica: string;
  readonly stopReceiver: string;
  readonly startReceiver: string;
  readonly receiving: { readonly sql: string; readonly column: string };
  readonly forget: readonly string[];
}

const MARIADB: SemiSyncWords = {
  source: 'rpl_semi_sync_master',
  replica: 'rpl_semi_sync_slave',
  clients: 'Rpl_semi_sync_master_clients',
  timeout: ENDLESS.mariadb,
  noReplica: 'wait_no_slave',
  stopReceiver: 'STOP SLAVE IO_THREAD',
  startReceiver: 'START SLAVE IO_THREAD',
  receiving: { sql: 'SHOW SLAVE STATUS', column: 'Slave_IO_Running' },
  forget: ['STOP SLAVE', 'RESET SLAVE ALL'],
};

const MYSQL: SemiSyncWords = {
  source: 'rpl_semi_sync_source',
  replica: 'rpl_semi_sync_replica',
  clients: 'Rpl_semi_sync_source_clients',
  timeout: ENDLESS.mysql,
  noReplica: 'wait_no_replica',
  stopReceiver: 'STOP REPLICA IO_THREAD',
  startReceiver: 'START REPLICA IO_THREAD',
  receiving: { sql: 'SHOW REPLICA STATUS', column: 'Replica_IO_Running' },
  forget: ['STOP REPLICA', 'RESET REPLICA ALL'],
};

/** MySQL's half is in plugins; MariaDB's is built in. A server that was started with them has them already. */
async function loadPlugins(connection: Connection): Promise<void> {
  const { rows } = await connection.query(
    "SELECT COUNT(*) AS n FROM information_schema.plugins WHERE plugin_name LIKE 'rpl_semi_sync_%'",
  );
  if (Number(rows[0]?.n) >= 2) return;
  const [row] = (await connection.query('SELECT @@global.super_read_only AS closed')).rows;
  await connection.query('SET SESSION sql_log_bin = 0');
  await connection.query('SET GLOBAL super_read_only = OFF');
  await connection.query("INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'");
  await connection.query("INSTALL PLUGIN rpl_semi_sync_replica SONAME 'semisync_replica.so'");
  if (Number(row?.closed) === 1) await connection.query('SET GLOBAL super_read_only = ON');
  await connection.query('SET SESSION sql_log_bin = 1');
}

function semiSync(words: SemiSyncWords, load: (connection: Connection) => Promise<void>): Quorum {
  const { source, replica } = words;
  return {
    async prepare(connection) {
      await load(connection);
      await connection.query(`SET GLOBAL ${source}_timeout = ${words.timeout}`);
      await connection.query(`SET GLOBAL ${source}_wait_point = 'AFTER_SYNC'`);
      await connection.query(`SET GLOBAL ${source}_${words.noReplica} = ON`);
      await connection.query(`SET GLOBAL ${replica}_enabled = ON`);
    },
    async enlist(connection) {
      // The applier runs on: with both threads stopped MariaDB throws away what was received.
      await connection.query(words.stopReceiver);
      await connection.query(words.startReceiver);
    },
    async arm(connection) {
      await connection.query(`SET GLOBAL ${source}_enabled = ON`);
    },
    async disarm(connection) {
      await connection.query(`SET GLOBAL ${source}_enabled = OFF`);
    },
    async untilConfirmed(connection, voters) {
      const clients = async () => {
        const { rows } = await connection.query(`SHOW GLOBAL STATUS LIKE '${words.clients}'`);
        return Number(rows[0]?.Value) >= voters.length;
      };
      await until(`${voters.length} replicas confirm commits`, clients, CONFIRMED_MS);
    },
    async stopReceiving(connection) {
      await connection.query(words.stopReceiver);
      const stopped = async () => {
        const [row] = (await connection.query(words.receiving.sql)).rows;
        return row === undefined || row[words.receiving.column] === 'No';
      };
      await until('the receiver has stopped', stopped, CONFIRMED_MS);
    },
    async forgetSource(connection) {
      for (const statement of words.forget) await connection.query(statement);
    },
  };
}

/** How replicas name themselves to PostgreSQL: `db-2` is `db_2`. */
const standbyName = (node: string): string => node.replaceAll('-', '_');

async function setStandbys(connection: Connection, names: string): Promise<void> {
  await connection.query(`ALTER SYSTEM SET synchronous_standby_names = '${names}'`);
  await connection.query('SELECT pg_reload_conf()');
  const taken = async () => {
    const [row] = (await connection.query('SHOW synchronous_standby_names')).rows;
    return row?.synchronous_standby_names === names;
  };
  await until('the server has taken its standbys', taken, CONFIRMED_MS);
  await pause(50); // other processes of the server read the settings a moment later than this one
}

const postgres: Quorum = {
  async prepare() {},
  async enlist() {},
  arm: (connection, voters) => setStandbys(connection, `ANY 1 (${voters.map(standbyName).join(', ')})`),
  disarm: (connection) => setStandbys(connection, ''),
  async untilConfirmed(connection, voters) {
    const names = voters.map((node) => `'${standbyName(node)}'`).join(', ');
    const streaming = async () => {
      const { rows } = await connection.query(
        `SELECT count(*) AS n FROM pg_stat_replication WHERE state = 'streaming' AND application_name IN (${names})`,
      );
      return Number(rows[0]?.n) === voters.length;
    };
    await until(`${voters.join(' and ')} stream`, streaming, CONFIRMED_MS);
  },
  async stopReceiving(connection) {
    await connection.query("ALTER SYSTEM SET primary_conninfo = ''");
    await connection.query('SELECT pg_reload_conf()');
    // Not pg_stat_wal_receiver: it hides a receiver that is still connecting.
    const gone = async () => {
      const { rows } = await connection.query(
        "SELECT count(*) AS n FROM pg_stat_activity WHERE backend_type = 'walreceiver'",
      );
      return Number(rows[0]?.n) === 0;
    };
    await until('the receiver has ended', gone, CONFIRMED_MS);
  },
  async forgetSource() {},
};

export const QUORUM: Readonly<Record<EngineName, Quorum>> = {
  mysql: semiSync(MYSQL, loadPlugins),
  mariadb: semiSync(MARIADB, async () => {}),
  postgres,
};
