import type { Connection, EngineName } from '../../src/index.ts';
import { waitFor } from '../../src/wait-for.ts';
import type { ClientCluster } from './client-cluster.ts';

const UNTIL = { timeoutMs: 20_000, everyMs: 20 };

/**
 * Makes commits on db-1 wait for db-3's confirmation in front of becoming visible there, while db-2 applies them without
 * being asked. With db-3 frozen (SIGSTOP) they hang. Null when done, else why this server cannot do it.
 */
export async function waitForThirdNode(lab: ClientCluster): Promise<string | null> {
  await using primary = await lab.cluster.admin('db-1');
  await using second = await lab.cluster.admin('db-2');
  await using third = await lab.cluster.admin('db-3');
  return await SETUPS[lab.cluster.engine](primary, third, second);
}

const SETUPS: Readonly<
  Record<EngineName, (primary: Connection, third: Connection, second: Connection) => Promise<string | null>>
> = {
  async mysql(primary, _third, second) {
    await second.query('SET GLOBAL rpl_semi_sync_replica_enabled = OFF');
    await second.query('STOP REPLICA IO_THREAD');
    await second.query('START REPLICA IO_THREAD');
    await primary.query('SET GLOBAL rpl_semi_sync_source_enabled = ON');
    return confirmed(primary, 'Rpl_semi_sync_source_clients');
  },
  async mariadb(primary, _third, second) {
    await second.query('SET GLOBAL rpl_semi_sync_slave_enabled = OFF');
    await second.query('STOP SLAVE IO_THREAD');
    await second.query('START SLAVE IO_THREAD');
    await primary.query('SET GLOBAL rpl_semi_sync_master_enabled = ON');
    return confirmed(primary, 'Rpl_semi_sync_master_clients');
  },
  async postgres(primary) {
    await primary.query("ALTER SYSTEM SET synchronous_standby_names = '1 (db_3)'");
    await primary.query('SELECT pg_reload_conf()');
    const isAsked = async () =>
      (
        await primary.query(
          "SELECT 1 FROM pg_stat_replication WHERE application_name = 'db_3' AND sync_state = 'sync'",
        )
      ).rows.length === 1;
    return (await waitFor(isAsked, UNTIL)) ? null : 'db-3 did not become a synchronous standby';
  },
};

async function confirmed(primary: Connection, variable: string): Promise<string | null> {
  const attached = async () =>
    Number((await primary.query(`SHOW STATUS LIKE '${variable}'`)).rows[0]?.Value) === 1;
  return (await waitFor(attached, UNTIL)) ? null : 'db-3 is not the only semi-synchronous replica';
}
