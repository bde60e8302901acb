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
  await using third = await lab.cluster.admin('db-3');
  return await SETUPS[lab.cluster.engine](primary, third);
}

const SETUPS: Readonly<
  Record<EngineName, (primary: Connection, third: Connection) => Promise<string | null>>
> = {
  async mysql(primary, third) {
    try {
      await primary.query("INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'");
      await third.query('SET GLOBAL super_read_only = OFF');
      await third.query("INSTALL PLUGIN rpl_semi_sync_replica SONAME 'semisync_replica.so'");
      await third.query('SET GLOBAL super_read_only = ON');
    } catch (error) {
      return `the semi-synchronous plugins cannot be installed: ${error}`;
    }
    await primary.query('SET GLOBAL rpl_semi_sync_source_timeout = 4294967295');
    await third.query('SET GLOBAL rpl_semi_sync_replica_enabled = ON');
    await third.query('STOP REPLICA IO_THREAD');
    await third.query('START REPLICA IO_THREAD');
    await primary.query('SET GLOBAL rpl_semi_sync_source_enabled = ON');
    return confirmed(primary, 'Rpl_semi_sync_source_clients');
  },
  async mariadb(primary, third) {
    await primary.query('SET GLOBAL rpl_semi_sync_master_timeout = 4294967295');
    await primary.query('SET GLOBAL rpl_semi_sync_master_wait_point = AFTER_SYNC');
    await third.query('SET GLOBAL rpl_semi_sync_slave_enabled = ON');
    await third.query('STOP SLAVE IO_THREAD');
    await third.query('START SLAVE IO_THREAD');
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
    Number((await primary.query(`SHOW STATUS LIKE '${variable}'`)).rows[0]?.Value) > 0;
  return (await waitFor(attached, UNTIL)) ? null : 'db-3 did not attach as a semi-synchronous replica';
}
